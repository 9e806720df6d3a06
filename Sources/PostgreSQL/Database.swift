/// A database behind a bounded number of connections, which are made when they are needed.
///
/// Each runs on a thread of its own, so that a slow server never holds up Swift's. A connection
/// that is lost is made again by the next request; while the server can not be reached, requests
/// fail at once, and one of them tries again after 0.1 s, then twice as long each time up to 5 s.
///
///     let count = try await database.read { db in
///         try db.first("SELECT count(*) FROM file") { $0.integer(0) } ?? 0
///     }
package final class Database: Sendable {
    package struct Configuration: Sendable {
        package var connection = Connection.Configuration()
        /// Most connections. The server's `max_connections` is shared by all processes.
        package var connections = 4
        /// Requests that wait for a connection; one more fails with `busy`. Raising it answers
        /// more of a burst late, instead of refusing it early.
        package var waitingMax = 256
        /// How often a transaction is run that others stand in the way of.
        package var attemptsMax = 5

        package init() {}
    }

    private let line: ConnectionLine
    private let slots: [ConnectionSlot]

    /// Connects once and calls `prepare`, on the calling thread.
    ///
    /// - Parameter prepare: Migrates; may refuse the server.
    /// - Throws: What ``Connection`` and `prepare` throw.
    package init(
        _ server: ServerURL, configuration: Configuration = Configuration(),
        prepare: (Connection) throws -> Void
    ) throws {
        precondition(configuration.connections > 0)
        try prepare(try Connection(server, configuration: configuration.connection))
        let outage = Outage(server: "\(server)")
        line = ConnectionLine(
            count: configuration.connections, waitingMax: configuration.waitingMax)
        slots = (0..<configuration.connections).map { _ in
            ConnectionSlot(server: server, configuration: configuration, outage: outage)
        }
    }

    /// Runs `body` in a transaction that commits when it returns, and rolls back when it throws.
    ///
    /// A transaction that conflicts with others is run again, and so is one whose connection turns
    /// out to be gone before it began. One whose connection is lost later is not: see `lost`.
    package func write<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        try await withSlot { slot in try await slot.write(body) }
    }

    /// Runs `body`, whose statements each are a transaction of their own, and which may safely be
    /// run twice: it is, when the connection is lost meanwhile. Once.
    package func read<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        try await withSlot { slot in try await slot.read(body) }
    }

    private func withSlot<Result: Sendable>(
        _ body: (ConnectionSlot) async throws -> Result
    ) async throws -> Result {
        let index = try await line.take()
        defer { line.giveBack(index) }
        do {
            return try await body(slots[index])
        } catch let error as PostgreSQLError {
            // Those behind would wait for the same, one after the other.
            if case .unreachable = error { line.failWaiting(error) }
            throw error
        }
    }
}

/// Owns the connection of a place in the pool; all that it does runs on a queue of its own.
private actor ConnectionSlot {
    private nonisolated let executor = QueueExecutor(label: "postgresql")
    private let server: ServerURL
    private let configuration: Database.Configuration
    private let outage: Outage
    private var connection: Connection?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    init(server: ServerURL, configuration: Database.Configuration, outage: Outage) {
        self.server = server
        self.configuration = configuration
        self.outage = outage
    }

    func read<Result: Sendable>(_ body: @Sendable (Connection) throws -> Result) throws -> Result {
        defer { forgetIfLost() }
        do {
            return try body(try connected())
        } catch let error as PostgreSQLError where error.isLost {
            forgetIfLost()
            return try body(try connected())
        }
    }

    func write<Result: Sendable>(_ body: @Sendable (Connection) throws -> Result) throws -> Result {
        defer { forgetIfLost() }
        var attempt = 1
        while true {
            do {
                let connection = try begun()
                return try connection.finishing { try body(connection) }
            } catch let error as PostgreSQLError
                where error.isConflict && attempt < configuration.attemptsMax
            {
                attempt += 1
            }
        }
    }

    /// A connection that has executed BEGIN.
    private func begun() throws(PostgreSQLError) -> Connection {
        do {
            let connection = try connected()
            try connection.execute("BEGIN")
            return connection
        } catch {
            guard error.isLost else { throw error }
            forgetIfLost()
            let connection = try connected()
            try connection.execute("BEGIN")
            return connection
        }
    }

    private func connected() throws(PostgreSQLError) -> Connection {
        if let connection { return connection }
        try outage.check()
        do {
            let made = try Connection(server, configuration: configuration.connection)
            outage.succeeded()
            connection = made
            return made
        } catch {
            outage.failed(error)
            throw error
        }
    }

    private func forgetIfLost() {
        if connection?.isLost == true { connection = nil }
    }
}
