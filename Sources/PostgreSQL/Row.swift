import CPostgreSQL

/// What a statement answered; read and freed by one thread.
final class ResultSet {
    private let handle: OpaquePointer

    /// Takes it over.
    init(_ handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        cpostgresql_clear(handle)
    }

    /// nil when it is none.
    func error(_ sql: String) -> PostgreSQLError? {
        switch Int(cpostgresql_result_status(handle)) {
        case CPOSTGRESQL_COMMAND_OK, CPOSTGRESQL_TUPLES_OK, CPOSTGRESQL_EMPTY_QUERY,
            CPOSTGRESQL_NONFATAL_ERROR:
            return nil
        default:
            // libpq makes a result without a code when the connection is gone.
            let state = cpostgresql_result_sqlstate(handle).map { String(cString: $0) }
            let message = cpostgresql_result_message(handle).map { String(cString: $0) }
            return PostgreSQLError(
                sqlState: state ?? "08006", message: message ?? "the server closed it", sql: sql)
        }
    }

    /// Of an INSERT, UPDATE, DELETE or SELECT; 0 otherwise.
    var affected: Int { Int(String(cString: cpostgresql_cmd_tuples(handle))) ?? 0 }

    var count: Int { Int(cpostgresql_ntuples(handle)) }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        cpostgresql_getisnull(handle, Int32(row), Int32(column)) != 0
    }

    func integer(_ row: Int, _ column: Int) -> Int64 {
        cpostgresql_integer(handle, Int32(row), Int32(column))
    }

    func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        let count = cpostgresql_getlength(handle, Int32(row), Int32(column))
        return UnsafeRawBufferPointer(
            start: cpostgresql_getvalue(handle, Int32(row), Int32(column)), count: Int(count))
    }
}

/// A row of an answer; of no use after the closure that it was given to. Columns count from 0.
package struct Row: ~Copyable {
    private let result: ResultSet
    private let row: Int

    init(_ result: ResultSet, _ row: Int) {
        self.result = result
        self.row = row
    }

    package func isNull(_ column: Int) -> Bool {
        result.isNull(row, column)
    }

    /// Of a `bigint`, `integer` or `boolean`; 0 for NULL.
    package func integer(_ column: Int) -> Int64 {
        result.integer(row, column)
    }

    /// false for NULL.
    package func boolean(_ column: Int) -> Bool {
        result.integer(row, column) != 0
    }

    /// Empty for NULL.
    package func text(_ column: Int) -> String {
        String(decoding: result.bytes(row, column), as: UTF8.self)
    }

    /// Empty for NULL.
    package func bytes(_ column: Int) -> [UInt8] {
        Array(result.bytes(row, column))
    }
}
