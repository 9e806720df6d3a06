import CSQLite

/// One connection to a database file.
///
/// Opened with SQLITE_OPEN_NOMUTEX: for one thread at a time, which ``Database`` sees to. WAL,
/// foreign keys on, memory within `cacheBytes`.
package final class Connection {
    package struct Configuration: Sendable {
        /// How long a lock of another process is waited for, in milliseconds.
        package var busyTimeout: Int32 = 5_000
        /// Pages kept in memory, in bytes. More makes large searches read the file less.
        package var cacheBytes = 2 << 20
        /// What full power loss may cost: the last commits, never the file (WAL and NORMAL).
        package var synchronous = "NORMAL"

        package init() {}
    }

    /// Beyond it a statement is compiled each time; a program has fewer.
    private static let cachedStatementsMax = 64

    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]

    /// Opens the file; it is made when it is not there.
    ///
    /// - Parameter readOnly: Every statement that writes is then refused.
    package init(
        path: String, readOnly: Bool = false, configuration: Configuration = Configuration()
    ) throws(SQLiteError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard let opened else {
            throw SQLiteError(extendedCode: SQLITE_NOMEM, message: "out of memory", sql: path)
        }
        handle = opened
        if code != SQLITE_OK { throw error("open \(path)") }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, configuration.busyTimeout)
        // The first statement that reads the file: a damaged one shows here.
        try execute("PRAGMA journal_mode = WAL")
        try execute("PRAGMA synchronous = \(configuration.synchronous)")
        try execute("PRAGMA foreign_keys = ON")
        try execute("PRAGMA cache_size = -\(configuration.cacheBytes / 1024)")
        try execute("PRAGMA mmap_size = 0")
        try execute("PRAGMA journal_size_limit = 4194304")
        if readOnly { try execute("PRAGMA query_only = ON") }
    }

    deinit {
        // v2 waits for the statements, which go with this object.
        sqlite3_close_v2(handle)
    }

    /// Executes statements without parameters, several with `;` between them; rows are dropped.
    package func execute(_ sql: String) throws(SQLiteError) {
        if sqlite3_exec(handle, sql, nil, nil, nil) != SQLITE_OK { throw error(sql) }
    }

    /// Executes one statement.
    ///
    /// - Returns: How many rows it inserted, changed or deleted.
    @discardableResult
    package func run(_ sql: String, _ values: [Value] = []) throws(SQLiteError) -> Int {
        let statement = try takeStatement(sql)
        defer { putBack(statement) }
        try statement.bind(values)
        while try statement.step() {}
        return Int(sqlite3_changes(handle))
    }

    /// Calls `body` for each row until it answers false.
    package func forEach(
        _ sql: String, _ values: [Value] = [], body: (borrowing Row) throws -> Bool
    ) throws {
        let statement = try takeStatement(sql)
        defer { putBack(statement) }
        try statement.bind(values)
        while try statement.step() {
            if try !body(Row(statement)) { break }
        }
    }

    /// All rows, as what `transform` makes of each.
    package func rows<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (borrowing Row) throws -> Element
    ) throws -> [Element] {
        var elements: [Element] = []
        try forEach(sql, values) { row in
            elements.append(try transform(row))
            return true
        }
        return elements
    }

    /// The first row; nil when there is none.
    package func first<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (borrowing Row) throws -> Element
    ) throws -> Element? {
        var element: Element?
        try forEach(sql, values) { row in
            element = try transform(row)
            return false
        }
        return element
    }

    package var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    package enum TransactionKind: String, Sendable {
        /// Takes the write lock at once, so that no later statement can fail for want of it.
        case immediate = "BEGIN IMMEDIATE"
        /// One view of the data for all its reads.
        case deferred = "BEGIN DEFERRED"
    }

    /// Commits what `body` did; rolls it back when it throws.
    package func transaction<Result>(
        _ kind: TransactionKind = .immediate, _ body: () throws -> Result
    ) throws -> Result {
        try run(kind.rawValue)
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some errors, a full disk for one.
            if sqlite3_get_autocommit(handle) == 0 { try execute("ROLLBACK") }
            throw error
        }
    }

    /// Out of the cache while in use, so that a query may nest in itself.
    private func takeStatement(_ sql: String) throws(SQLiteError) -> Statement {
        if let statement = statements.removeValue(forKey: sql) { return statement }
        return try Statement(sql, connection: handle)
    }

    private func putBack(_ statement: Statement) {
        statement.reset()
        if statements.count < Self.cachedStatementsMax { statements[statement.sql] = statement }
    }

    private func error(_ sql: String) -> SQLiteError {
        SQLiteError(handle, sql: sql)
    }
}
