import CSQLite
import Glibc

/// What SQLite answered when it did not do what it was asked.
package enum SQLiteError: Error, Equatable, Sendable {
    /// The file is damaged or no database at all: SQLITE_CORRUPT, SQLITE_NOTADB.
    ///
    /// Nothing that is read from it can be trusted.
    case damaged(Failure)
    case failed(Failure)

    /// https://www.sqlite.org/rescode.html
    package struct Failure: Equatable, Sendable {
        package let extendedCode: Int32
        package let message: String
        /// What was to be done, a statement as a rule.
        package let sql: String

        package var code: Int32 { extendedCode & 0xFF }

        package init(extendedCode: Int32, message: String, sql: String) {
            self.extendedCode = extendedCode
            self.message = message
            self.sql = sql
        }
    }

    package var failure: Failure {
        switch self {
        case .damaged(let failure), .failed(let failure): failure
        }
    }

    init(extendedCode: Int32, message: String, sql: String) {
        let failure = Failure(extendedCode: extendedCode, message: message, sql: sql)
        switch failure.code {
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .damaged(failure)
        default: self = .failed(failure)
        }
    }

    /// Of the last call on a connection. What the disk did not do is told with the file, and in the
    /// kernel's words.
    init(_ connection: OpaquePointer, sql: String) {
        let code = sqlite3_extended_errcode(connection)
        var message = String(cString: sqlite3_errmsg(connection))
        if [SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_READONLY].contains(code & 0xFF) {
            let system = sqlite3_system_errno(connection)
            if system != 0 { message += ": \(String(cString: strerror(system)))" }
            if let path = sqlite3_db_filename(connection, "main") {
                message += ": \(String(cString: path))"
            }
        }
        self.init(extendedCode: code, message: message, sql: sql)
    }

    /// Another connection held its lock for longer than the busy timeout.
    package var isBusy: Bool { failure.code == SQLITE_BUSY }
    /// A UNIQUE, NOT NULL, CHECK or foreign key rule was broken.
    package var isConstraint: Bool { failure.code == SQLITE_CONSTRAINT }
}

extension SQLiteError: CustomStringConvertible {
    package var description: String {
        "SQLite error \(failure.extendedCode): \(failure.message) - while executing \(failure.sql)"
    }
}
