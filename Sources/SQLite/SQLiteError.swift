import CSQLite

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
