import Directory
import Locking
import PostgreSQL

/// A directory's store in a PostgreSQL database, 12 or later, that any number of processes share.
///
/// Everything is in the database, leases too: what one process has done, the next call of any
/// other sees. Extensions of leases are acknowledged before they are synced: a crash of the server
/// shortens leases by at most three times its `wal_writer_delay` (0.6 s).
///
/// A server that does not answer is `unavailable`, and tried again by later calls; see
/// ``PostgreSQL/Database``. What was under way then was done whole or not at all.
package final class PostgreSQLStore: DirectoryStore {
    package struct Configuration: Sendable {
        /// How long a request looks for files before it answers with what it has. Raising it
        /// fills more pages of rare matches, and lets one search keep a connection for longer.
        package var searchTime: Duration = .milliseconds(10)
        package var database = Database.Configuration()

        package init() {}
    }

    let database: Database
    let configuration: Configuration
    private let sample = Locked(NameSample())

    /// Connects and migrates, on the calling thread.
    ///
    /// - Parameter url: `postgresql://...`, as libpq reads it.
    /// - Throws: `unavailable`, with a reason that names the store without its password.
    package init(
        url: String, configuration: Configuration = Configuration()
    ) throws(StoreError) {
        self.configuration = configuration
        let server: ServerURL
        do {
            server = try ServerURL(url)
        } catch {
            throw .unavailable(reason: "store postgresql://... can not be read: \(error)")
        }
        var settings = configuration.database
        settings.connection.settings += Self.plans
        do {
            database = try Database(server, configuration: settings) { try Self.prepare($0) }
        } catch let error as PostgreSQLError where error.failure == nil {
            throw .unavailable(reason: "store \(error)")
        } catch {
            throw .unavailable(reason: "store \(server): \(error)\(Self.advice(error))")
        }
    }

    /// Each statement goes by an index, whatever the statistics say of tables that were filled a
    /// second ago; and a plan is made each time (0.1 ms): one that is kept would be that of the
    /// empty tables that it was made for.
    private static let plans: [(name: String, value: String)] = [
        ("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"),
        ("jit", "off"), ("max_parallel_workers_per_gather", "0"),
        ("plan_cache_mode", "force_custom_plan"),
    ]

    /// The database is none for this.
    private struct Unfit: Error, CustomStringConvertible {
        let description: String
    }

    private static func prepare(_ db: Connection) throws {
        let version = db.parameter("server_version") ?? ""
        if let major = Int(version.prefix { $0.isNumber }), major < 12 {
            throw Unfit(description: "it is PostgreSQL \(version); 12 or later is needed")
        }
        let encoding = db.parameter("server_encoding") ?? ""
        if encoding != "UTF8" {
            throw Unfit(
                description: "its encoding is \(encoding), which has no place for some filenames;"
                    + " make one by: createdb --encoding=UTF8 --template=template0 NAME")
        }
        try db.migrate(
            PostgreSQLSchema.migrations, table: PostgreSQLSchema.versionTable,
            lock: PostgreSQLSchema.lock)
    }

    /// What to do about an error of the first connection.
    private static func advice(_ error: any Error) -> String {
        switch (error as? PostgreSQLError)?.failure?.sqlState {
        case "42501":
            "; the tables belong to the user of the URL, who has to own the database or may"
                + " create in its schema: as superuser, ALTER DATABASE ... OWNER TO that user"
        case "3F000": "; no schema of search_path is there: CREATE SCHEMA, as the URL's user"
        default: ""
        }
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

    /// Locks the account's row: those who change one account or its list come one by one.
    ///
    /// - Throws: `noSuchAccount`.
    static func lock(
        account name: String, in db: Connection
    ) throws -> (id: Int64, isDisabled: Bool) {
        let account = try db.first(
            "SELECT id, disabled FROM directory_account WHERE name = $1 FOR NO KEY UPDATE",
            [.text(name)]
        ) { (id: $0.integer(0), isDisabled: $0.boolean(1)) }
        guard let account else { throw StoreError.noSuchAccount(name) }
        return account
    }

    // MARK: Search

    /// How common parts of names are; taken anew when there are twice as many names.
    ///
    /// - Parameter last: The highest id of a name.
    func sample(_ db: Connection, last: Int64) throws -> NameSample {
        let known = sample.withLock { $0 }
        guard known.isOutdated(last: last) else { return known }
        let step = NameSample.step(last: last)
        let filenames = try db.rows(
            """
            SELECT filename
            FROM generate_series(0::bigint, $1::bigint, $2::bigint) AS place (start), LATERAL (
                SELECT filename FROM directory_name WHERE id >= start ORDER BY id LIMIT $3) AS name
            """,
            [.integer(last), .integer(step), .integer(min(step, NameSample.namesPerPlace))]
        ) { $0.text(0) }
        let sample = NameSample(filenames, last: last)
        self.sample.withLock { $0 = sample }
        return sample
    }

    // MARK: Life

    package func figures(now: UnixTime) async throws(StoreError) -> DirectoryFigures {
        let figures = try await read { db in
            try db.first(
                """
                SELECT count(*), coalesce(sum(files), 0)::bigint,
                    (SELECT count(*) FROM directory_lease WHERE expires > $1)
                FROM directory_account
                """, [.integer(now.milliseconds)]
            ) { row in
                DirectoryFigures(
                    accounts: Int(row.integer(0)), peers: Int(row.integer(2)),
                    files: Int(row.integer(1)))
            }
        }
        return figures ?? DirectoryFigures(accounts: 0, peers: 0, files: 0)
    }

    /// Removes names that nobody lists any more.
    package func flush() async throws(StoreError) {
        while try await write({ db in try NameSweep(db: db).run() }) {}
    }
}
