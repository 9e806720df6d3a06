import Dispatch
import Locking

/// A database file with one writer and a few concurrent readers (WAL).
///
/// Both run on threads of their own, so that a slow disk never holds up Swift's. Writes happen
/// one after the other, each in an immediate transaction; reads see the last commit before they
/// began, whatever is being written.
///
///     let count = try await database.read { db in
///         try db.first("SELECT count(*) FROM file") { $0.integer(0) } ?? 0
///     }
///
/// Callers wait for their turn as suspended tasks; their number is the callers' to bound.
package final class Database: Sendable {
    private let writer: ConnectionActor
    private let readers: [ConnectionActor]
    /// How many reads each reader has before it.
    private let pending: Locked<[Int]>

    /// Opens and migrates the file, on the calling thread.
    package init(
        path: String, migrations: [String], readers: Int = 2,
        configuration: Connection.Configuration = Connection.Configuration()
    ) throws {
        precondition(readers > 0)
        writer = try ConnectionActor(
            path: path, readOnly: false, migrations: migrations, configuration: configuration)
        self.readers = try (0..<readers).map { _ in
            try ConnectionActor(
                path: path, readOnly: true, migrations: nil, configuration: configuration)
        }
        pending = Locked(Array(repeating: 0, count: readers))
    }

    /// Runs `body` in a transaction that commits when it returns, and rolls back when it throws.
    package func write<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        try await writer.perform(.immediate, body)
    }

    /// Runs `body` on one view of the data.
    package func read<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        let index = takeReader()
        defer { putBack(reader: index) }
        return try await readers[index].perform(.deferred, body)
    }

    private func takeReader() -> Int {
        pending.withLock { pending in
            let least = pending.indices.min { pending[$0] < pending[$1] } ?? 0
            pending[least] += 1
            return least
        }
    }

    private func putBack(reader index: Int) {
        pending.withLock { $0[index] -= 1 }
    }
}

/// Owns a connection; all that it does runs on a queue of its own.
private actor ConnectionActor {
    private nonisolated let executor: QueueExecutor
    private let connection: Connection

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(
        path: String, readOnly: Bool, migrations: [String]?,
        configuration: Connection.Configuration
    ) throws {
        executor = QueueExecutor(label: readOnly ? "sqlite.reader" : "sqlite.writer")
        let connection = try Connection(
            path: path, readOnly: readOnly, configuration: configuration)
        if let migrations { try connection.migrate(migrations) }
        self.connection = connection
    }

    func perform<Result: Sendable>(
        _ kind: Connection.TransactionKind, _ body: @Sendable (Connection) throws -> Result
    ) throws -> Result {
        try connection.transaction(kind) { try body(connection) }
    }
}
