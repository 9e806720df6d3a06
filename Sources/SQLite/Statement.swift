import CSQLite

/// A compiled statement, and access to the row that it stands on.
///
/// Belongs to its ``Connection`` and its thread. Columns count from 0; SQLite converts between
/// storage classes as https://www.sqlite.org/c3ref/column_blob.html says.
package final class Statement {
    let sql: String
    private let handle: OpaquePointer
    /// Not owned: the connection outlives its statements.
    private let connection: OpaquePointer

    /// - Throws: ``SQLiteError``, also for text that holds no statement.
    init(_ sql: String, connection: OpaquePointer) throws(SQLiteError) {
        var prepared: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let code = sqlite3_prepare_v3(connection, sql, -1, flags, &prepared, nil)
        guard code == SQLITE_OK, let prepared else {
            throw code == SQLITE_OK
                ? SQLiteError(extendedCode: SQLITE_MISUSE, message: "no statement", sql: sql)
                : SQLiteError(connection, sql: sql)
        }
        handle = prepared
        self.sql = sql
        self.connection = connection
    }

    deinit {
        sqlite3_finalize(handle)
    }

    func bind(_ values: [Value]) throws(SQLiteError) {
        precondition(
            values.count == Int(sqlite3_bind_parameter_count(handle)),
            "\(values.count) values for: \(sql)")
        for (index, value) in values.enumerated() {
            try check(bind(value, at: Int32(index + 1)))
        }
    }

    private func bind(_ value: Value, at index: Int32) -> Int32 {
        // SQLITE_TRANSIENT, a macro that Swift does not see: SQLite copies before it returns.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null:
            return sqlite3_bind_null(handle, index)
        case .integer(let integer):
            return sqlite3_bind_int64(handle, index, integer)
        case .real(let real):
            return sqlite3_bind_double(handle, index, real)
        case .text(var text):
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    // A pointer to nothing would bind NULL.
                    sqlite3_bind_text(
                        handle, index, characters.baseAddress ?? Self.empty,
                        Int32(characters.count), copied)
                }
            }
        case .blob(let blob):
            if blob.isEmpty { return sqlite3_bind_zeroblob(handle, index, 0) }
            return blob.withUnsafeBytes { bytes in
                sqlite3_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count), copied)
            }
        }
    }

    /// Static and never written: safe to share.
    nonisolated(unsafe) private static let empty: UnsafePointer<CChar> = {
        let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        pointer.initialize(to: 0)
        return UnsafePointer(pointer)
    }()

    /// - Returns: Whether there is a row.
    func step() throws(SQLiteError) -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        throw error()
    }

    /// Makes it ready for other values, and forgets these.
    func reset() {
        // Both repeat the error of the step before; it was thrown there.
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    private func check(_ code: Int32) throws(SQLiteError) {
        if code != SQLITE_OK { throw error() }
    }

    private func error() -> SQLiteError {
        SQLiteError(connection, sql: sql)
    }
}

/// The row that a statement stands on; of no use after the closure that it was given to.
package struct Row: ~Copyable {
    private let statement: Statement

    init(_ statement: Statement) {
        self.statement = statement
    }

    package func isNull(_ column: Int) -> Bool {
        statement.isNull(Int32(column))
    }

    /// 0 for NULL.
    package func integer(_ column: Int) -> Int64 {
        statement.integer(Int32(column))
    }

    /// 0 for NULL.
    package func real(_ column: Int) -> Double {
        statement.real(Int32(column))
    }

    /// Empty for NULL.
    package func text(_ column: Int) -> String {
        statement.text(Int32(column))
    }

    /// Empty for NULL.
    package func blob(_ column: Int) -> [UInt8] {
        statement.blob(Int32(column))
    }
}

extension Statement {
    fileprivate func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    fileprivate func integer(_ column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    fileprivate func real(_ column: Int32) -> Double {
        sqlite3_column_double(handle, column)
    }

    fileprivate func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    fileprivate func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
