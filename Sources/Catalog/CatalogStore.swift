import Folding
import Locking
import RootedFiles
import SQLite

/// What is known of the shared files, in SQLite.
final class CatalogStore: Sendable {
    /// A file as the walk met it.
    struct Found: Sendable {
        let path: RelativePath
        let status: FileStatus
    }

    /// What is known of a file that was found.
    enum Known: Sendable {
        case same(row: Int64)
        case different
        case new
    }

    /// A file to be hashed.
    struct Unhashed: Sendable {
        let row: Int64
        let path: String
        let size: Int64
        /// ctime when it was recorded, as the table has it.
        let changed: Int64
    }

    /// A file that was hashed, and what its bytes were then.
    struct Hashed: Sendable {
        let file: Unhashed
        let status: FileStatus
        let sha256: [UInt8]
    }

    let database: Database
    private let latest: Locked<CatalogTotals>
    private let onChange: @Sendable (CatalogTotals) -> Void

    /// Opens or makes the database, on the calling thread.
    ///
    /// - Parameter onChange: Called after each commit that changed what is shared.
    init(path: String, onChange: @escaping @Sendable (CatalogTotals) -> Void) throws {
        var configuration = Connection.Configuration()
        configuration.cacheBytes = 1 << 20
        let first = try Connection(path: path, configuration: configuration)
        try first.migrate(CatalogSchema.migrations)
        latest = Locked(try Self.totals(first))
        database = try Database(
            path: path, migrations: CatalogSchema.migrations, configuration: configuration)
        self.onChange = onChange
    }

    var totals: CatalogTotals { latest.withLock { $0 } }

    /// A write that keeps the totals in memory those of the file.
    func write<Result: Sendable>(
        _ body: @Sendable (Connection) throws -> Result
    ) async throws -> Result {
        let (result, totals) = try await database.write { db in
            (try body(db), try Self.totals(db))
        }
        let isNews = latest.withLock { latest in
            // Tasks come back from the writer in any order.
            guard totals.version > latest.version else { return false }
            latest = totals
            return true
        }
        if isNews { onChange(totals) }
        return result
    }

    private static func totals(_ db: Connection) throws -> CatalogTotals {
        let totals = try db.first("SELECT files, bytes, hashed, version FROM totals") { row in
            var totals = CatalogTotals()
            totals.files = row.integer(0)
            totals.bytes = row.integer(1)
            totals.hashed = row.integer(2)
            totals.version = UInt64(row.integer(3))
            return totals
        }
        return totals ?? CatalogTotals()
    }

    // MARK: Comparing and recording

    /// Compares files with what is known of them; in the order of `found`.
    func compare(_ found: [Found]) async throws -> [Known] {
        try await database.read { db in
            try found.map { file in
                try db.first(
                    """
                    SELECT id, size, modified_s, modified_ns, changed, inode
                    FROM file WHERE path = ?
                    """, [.text(file.path.string)]
                ) { row in
                    let status = file.status
                    let isSame =
                        row.integer(1) == status.size
                        && row.integer(2) == status.modified.seconds
                        && row.integer(3) == status.modified.nanoseconds
                        && row.integer(4) == status.changed.wrappedNanoseconds
                        && row.integer(5) == Int64(bitPattern: status.inode)
                    return isSame ? Known.same(row: row.integer(0)) : .different
                } ?? .new
            }
        }
    }

    /// Records files as they are now.
    ///
    /// A digest stays when nothing changed, and comes along when a file was renamed: same inode,
    /// size and mtime. (A rename changes ctime, so that alone must not count against it. Who sets
    /// mtime back by hand after an edit *and* renames can fool this; receivers prove what they
    /// are sent.)
    ///
    /// - Returns: The rows, in the order of `files`.
    @discardableResult
    func record(_ files: [Found]) async throws -> [Int64] {
        try await write { db in
            try files.map { file in
                try Self.record(file, sha256: Self.renamedDigest(db, file.status), in: db)
            }
        }
    }

    /// Records files whose digests are known to be those of their `status`.
    func record(_ files: [(file: Found, sha256: [UInt8])]) async throws {
        try await write { db in
            for (file, sha256) in files { _ = try Self.record(file, sha256: sha256, in: db) }
        }
    }

    private static func record(
        _ file: Found, sha256: [UInt8]?, in db: Connection
    ) throws -> Int64 {
        let status = file.status
        let folded = FoldedName(file.path.name).string
        let values: [Value] = [
            .text(file.path.string), .text(file.path.name),
            folded == file.path.name ? .null : .text(folded),
            .integer(status.size), .integer(status.modified.seconds),
            .integer(status.modified.nanoseconds), .integer(status.changed.wrappedNanoseconds),
            .integer(Int64(bitPattern: status.inode)),
            .integer(Int64(bitPattern: status.device)), Value(sha256),
        ]
        let row = try db.first(
            """
            INSERT INTO file (path, name, folded, size, modified_s, modified_ns, changed, inode,
                device, sha256)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (path) DO UPDATE SET size = excluded.size,
                modified_s = excluded.modified_s, modified_ns = excluded.modified_ns,
                changed = excluded.changed, inode = excluded.inode, device = excluded.device,
                sha256 = CASE WHEN excluded.sha256 IS NULL AND changed = excluded.changed
                    AND inode = excluded.inode AND size = excluded.size
                    AND modified_s = excluded.modified_s AND modified_ns = excluded.modified_ns
                    THEN sha256 ELSE excluded.sha256 END,
                retry_at = 0
            RETURNING id
            """, values
        ) { $0.integer(0) }
        return row ?? 0
    }

    private static func renamedDigest(
        _ db: Connection, _ status: FileStatus
    ) throws -> [UInt8]? {
        try db.first(
            """
            SELECT sha256 FROM file WHERE inode = ? AND device = ? AND size = ?
                AND modified_s = ? AND modified_ns = ? AND sha256 IS NOT NULL
            """,
            [
                .integer(Int64(bitPattern: status.inode)),
                .integer(Int64(bitPattern: status.device)), .integer(status.size),
                .integer(status.modified.seconds), .integer(status.modified.nanoseconds),
            ]
        ) { $0.blob(0) }
    }

    // MARK: Forgetting

    /// The known files beneath `directory` (nil: all) that are not in `rows`.
    func missing(from rows: RowSet, beneath directory: RelativePath?) async throws -> [String] {
        try await database.read { db in
            var paths: [String] = []
            let (condition, values) = Self.beneath(directory)
            try db.forEach("SELECT id FROM file WHERE \(condition)", values) { row in
                if rows.contains(row.integer(0)) { return true }
                let path = try db.first(
                    "SELECT path FROM file WHERE id = ?", [.integer(row.integer(0))]
                ) { $0.text(0) }
                if let path { paths.append(path) }
                return true
            }
            return paths
        }
    }

    func remove(paths: [String]) async throws {
        try await write { db in
            for path in paths {
                try db.run("DELETE FROM file WHERE path = ?", [.text(path)])
            }
        }
    }

    /// Forgets what was a file or a directory with everything in it.
    ///
    /// - Returns: How many files.
    func removeTree(_ path: RelativePath) async throws -> Int {
        try await write { db in
            let (condition, values) = Self.beneath(path)
            return try db.run("DELETE FROM file WHERE path = ?", [.text(path.string)])
                + db.run("DELETE FROM file WHERE \(condition)", values)
        }
    }

    /// `0` is the byte after `/`: a range of the index on `path`.
    static func beneath(_ directory: RelativePath?) -> (String, [Value]) {
        guard let directory else { return ("TRUE", []) }
        return (
            "path > ? AND path < ?",
            [.text("\(directory.string)/"), .text("\(directory.string)0")]
        )
    }

    // MARK: Hashing

    /// The next files to hash, smallest first: up to `limit`, or those that make up `bytes`.
    func unhashed(limit: Int, bytes: Int64, now: Int64) async throws -> [Unhashed] {
        try await database.read { db in
            var files: [Unhashed] = []
            var total: Int64 = 0
            try db.forEach(
                """
                SELECT id, path, size, changed FROM file
                WHERE sha256 IS NULL AND retry_at <= ? ORDER BY size LIMIT ?
                """, [.integer(now), .integer(Int64(limit))]
            ) { row in
                files.append(
                    Unhashed(
                        row: row.integer(0), path: row.text(1), size: row.integer(2),
                        changed: row.integer(3)))
                total &+= row.integer(2)
                return total < bytes
            }
            return files
        }
    }

    /// When the next file that was put off is due, in Unix time; nil when there is none.
    func nextRetry() async throws -> Int64? {
        try await database.read { db in
            try db.first("SELECT min(retry_at) FROM file WHERE sha256 IS NULL") { row in
                row.isNull(0) ? nil : row.integer(0)
            } ?? nil
        }
    }

    /// Records digests, and puts off the files that have none.
    ///
    /// - Parameter retryStale: When to hash again those that were recorded anew while they were
    ///   hashed. Unix time, as all times here.
    func finish(
        _ hashed: [Hashed], putOff: [(row: Int64, until: Int64)], retryStale: Int64
    ) async throws {
        try await write { db in
            var putOff = putOff
            for file in hashed where try !Self.finish(file, in: db) {
                putOff.append((file.file.row, retryStale))
            }
            for (row, time) in putOff {
                try db.run(
                    "UPDATE file SET retry_at = ? WHERE id = ?", [.integer(time), .integer(row)])
            }
        }
    }

    /// Also brings the row up to what the file was when it was hashed: a change by mmap(2) or
    /// over a network is told by nobody.
    private static func finish(_ hashed: Hashed, in db: Connection) throws -> Bool {
        let status = hashed.status
        let count = try db.run(
            """
            UPDATE file SET sha256 = ?, size = ?, modified_s = ?, modified_ns = ?, changed = ?,
                inode = ?, device = ?
            WHERE id = ? AND changed = ?
            """,
            [
                .blob(hashed.sha256), .integer(status.size), .integer(status.modified.seconds),
                .integer(status.modified.nanoseconds),
                .integer(status.changed.wrappedNanoseconds),
                .integer(Int64(bitPattern: status.inode)),
                .integer(Int64(bitPattern: status.device)), .integer(hashed.file.row),
                .integer(hashed.file.changed),
            ])
        return count > 0
    }
}

extension FileStatus.Timestamp {
    /// For comparing only: wraps around for times that a hostile file may bear.
    var wrappedNanoseconds: Int64 { seconds &* 1_000_000_000 &+ nanoseconds }
}
