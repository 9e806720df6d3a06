/// Why PostgreSQL did not do what it was asked.
package enum PostgreSQLError: Error, Equatable, Sendable {
    /// libpq is not on this host, or not as it should be.
    case libraryMissing(server: String, reason: String)
    /// No connection could be made, or none is tried again yet.
    case unreachable(server: String, reason: String)
    /// The connection ended, or the server did not answer in time: whether a COMMIT that was under
    /// way was executed is not known.
    case lost(reason: String)
    /// The server refused a statement; the connection is as good as before.
    case failed(Failure)
    /// So many wait for a connection already.
    case busy(waiting: Int)

    /// https://www.postgresql.org/docs/current/errcodes-appendix.html
    package struct Failure: Equatable, Sendable {
        /// Five letters and digits.
        package let sqlState: String
        /// The message alone: what PostgreSQL would show of the data is left out.
        package let message: String
        package let sql: String

        package init(sqlState: String, message: String, sql: String) {
            self.sqlState = sqlState
            self.message = message
            self.sql = sql
        }
    }

    package var failure: Failure? {
        if case .failed(let failure) = self { failure } else { nil }
    }

    /// Two transactions stood in each other's way: serialization_failure, deadlock_detected. This
    /// one was rolled back, and may be run again.
    package var isConflict: Bool {
        failure.map { $0.sqlState == "40001" || $0.sqlState == "40P01" } ?? false
    }

    /// The server ended the statement after `statement_timeout`: query_canceled.
    package var isTimeout: Bool { failure?.sqlState == "57014" }

    var isLost: Bool {
        if case .lost = self { true } else { false }
    }

    /// What the server said, or, with that code, that it says nothing more.
    init(sqlState: String, message: String, sql: String) {
        // Class 08: connection exceptions, but for protocol_violation, which is a bad value.
        // 57P01-57P03, 57P05: shut down, crashed, starting up, idle for too long. 25P03: idle in
        // a transaction. 25006: no primary any more.
        switch sqlState {
        case "57P01", "57P02", "57P03", "57P05", "25P03", "25006":
            self = .lost(reason: "\(message) (\(sqlState))")
        case let state where state.hasPrefix("08") && state != "08P01":
            self = .lost(reason: "\(message) (\(sqlState))")
        default:
            self = .failed(Failure(sqlState: sqlState, message: message, sql: sql))
        }
    }
}

extension PostgreSQLError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .libraryMissing(let server, let reason):
            "\(server) needs libpq5: apt install libpq5 (\(reason))"
        case .unreachable(let server, let reason): "\(server) is not reached: \(reason)"
        case .lost(let reason): "the connection to PostgreSQL is lost: \(reason)"
        case .failed(let failure):
            "PostgreSQL error \(failure.sqlState): \(failure.message)"
                + " - while executing \(failure.sql)"
        case .busy(let waiting): "\(waiting) requests wait for PostgreSQL already"
        }
    }
}
