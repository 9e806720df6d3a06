import Locking
import SQLite

/// A directory's store in one SQLite file, for one process.
///
/// Leases are in memory: a heartbeat that changes nothing touches no file. What changes is
/// written and synced before it is acknowledged (WAL, `synchronous = FULL`), logins that come at
/// once in one transaction. Extensions are written by ``flush()``: a crash shortens leases by at
/// most the interval between two of them.
package final class SQLiteStore: DirectoryStore {
    package struct Configuration: Sendable {
        /// How long a request looks for files before it answers with what it has. Raising it
        /// fills more pages of rare matches, and lets one search hold up others for longer.
        package var searchTime: Duration = .milliseconds(10)
        /// Of each connection: one writes, `readers` read.
        package var cacheBytes = 8 << 20
        package var readers = 2
        package var synchronous = "FULL"

        package init() {}
    }

    let database: Database
    let configuration: Configuration
    let leases: Locked<LeaseTable>
    let openings = Locked<[LeaseOpening]>([])
    let sample = Locked(NameSample())

    /// Opens or makes the file, on the calling thread.
    ///
    /// - Throws: `unavailable`; also for a file of a newer program, and for a damaged one, which
    ///   is left as it is: accounts can not be made again from elsewhere.
    package init(
        path: String, configuration: Configuration = Configuration()
    ) throws(StoreError) {
        self.configuration = configuration
        var connection = Connection.Configuration()
        connection.cacheBytes = configuration.cacheBytes
        connection.synchronous = configuration.synchronous
        do {
            let first = try Connection(path: path, configuration: connection)
            try first.migrate(SQLiteSchema.migrations)
            leases = Locked(try Self.leases(first))
            database = try Database(
                path: path, migrations: SQLiteSchema.migrations, readers: configuration.readers,
                configuration: connection)
        } catch {
            throw .unavailable(reason: "\(path): \(error)")
        }
    }

    private static func leases(_ db: Connection) throws -> LeaseTable {
        var table = LeaseTable()
        try db.forEach(
            """
            SELECT account_id, account.name, token, opened, expires, source, rest_url, grpc,
                peer_id
            FROM lease JOIN account ON account.id = account_id
            """
        ) { row in
            guard let token = SHA256Digest(bytes: row.blob(2)) else { return true }
            let lease = Lease(
                peer: row.text(1), token: TokenDigest(sha256: token),
                opened: UnixTime(milliseconds: row.integer(3)),
                expires: UnixTime(milliseconds: row.integer(4)), source: row.text(5),
                contact: PeerContact(
                    restURL: row.isNull(6) ? nil : row.text(6),
                    grpc: row.isNull(7) ? nil : row.text(7),
                    peerID: row.isNull(8) ? nil : row.text(8)))
            table.put(LeaseTable.Row(account: row.integer(0), lease: lease))
            return true
        }
        return table
    }

    // MARK: Transactions

    func write<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws(StoreError) -> Result {
        do {
            return try await database.write(body)
        } catch {
            throw Self.storeError(error)
        }
    }

    func read<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws(StoreError) -> Result {
        do {
            return try await database.read(body)
        } catch {
            throw Self.storeError(error)
        }
    }

    static func storeError(_ error: any Error) -> StoreError {
        error as? StoreError ?? .unavailable(reason: "\(error)")
    }

    /// - Throws: `noSuchAccount`.
    static func id(ofAccount name: String, in db: Connection) throws -> Int64 {
        let id = try db.first("SELECT id FROM account WHERE name = ?", [.text(name)]) {
            $0.integer(0)
        }
        guard let id else { throw StoreError.noSuchAccount(name) }
        return id
    }
}
