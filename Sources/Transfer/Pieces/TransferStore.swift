import Glibc
import LogMessages
import Logging
import RootedFiles
import SQLite

/// What transfers remember over a restart, in SQLite: manifests that were made here, and how far
/// downloads are.
///
/// It only saves work: what is lost of it is hashed or fetched again, and nothing is published by its
/// word alone. So commits are not synced (docs/decisions/0014-sqlite-settings.md).
package final class TransferStore: Sendable {
    /// Digests that are kept, in bytes: 2 TiB of files. Beyond it those go that nobody asked for
    /// longest.
    static let manifestBytesMax: Int64 = 64 << 20
    static let manifestsMax = 10_000
    /// Downloads that are remembered; beyond it the oldest are forgotten, and their partial files
    /// compared with a manifest when they are taken up again.
    static let downloadsMax = 1000

    /// A download that is not done.
    package struct Download: Hashable, Sendable {
        package let manifest: Manifest
        package let verified: PieceSet
    }

    /// Migrations are only ever appended.
    private static let migrations = [
        """
        CREATE TABLE manifest (
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            size INTEGER NOT NULL,
            -- mtime and ctime in nanoseconds, wrapping around.
            modified INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            digests BLOB NOT NULL,
            -- Unix time.
            used_at INTEGER NOT NULL,
            PRIMARY KEY (device, inode)
        );
        CREATE TABLE download (
            sha256 TEXT PRIMARY KEY,
            size INTEGER NOT NULL,
            digests BLOB NOT NULL,
            -- One bit for each piece, the lowest of the first byte first.
            verified BLOB NOT NULL,
            begun_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        """
    ]

    private let database: Database

    /// Opens `transfers.sqlite`, on the calling thread; one that can not be used is set aside as
    /// `transfers.sqlite.damaged`, and begun anew.
    package static func open(
        stateDirectory: String, logger: Logger
    ) throws -> TransferStore {
        let path = stateDirectory + "/transfers.sqlite"
        let reason: String
        do {
            return try TransferStore(path: path)
        } catch SQLiteError.damaged(let failure) {
            reason = failure.message
        } catch let error as MigrationError {
            reason = error.description
        }
        let target = path + ".damaged"
        rename(path, target)
        // The log of a damaged file must not be applied to the next.
        unlink("\(path)-wal")
        unlink("\(path)-shm")
        logger.report(.transfersForgotten, ["reason": "\(reason)", "set_aside": "\(target)"])
        return try TransferStore(path: path)
    }

    /// Opens or makes the file, on the calling thread.
    package init(path: String) throws {
        var configuration = Connection.Configuration()
        configuration.cacheBytes = 1 << 18
        database = try Database(
            path: path, migrations: Self.migrations, readers: 1, configuration: configuration)
    }

    // MARK: - Manifests

    /// nil where the file is not what it was when its manifest was made; that one is forgotten.
    func manifest(of status: FileStatus, now: Int64) async throws -> [UInt8]? {
        try await database.write { db in
            let key = Self.key(of: status)
            let digests = try db.first(
                """
                SELECT digests FROM manifest WHERE device = ? AND inode = ? AND size = ?
                    AND modified = ? AND changed = ?
                """, key + Self.state(of: status)
            ) { $0.blob(0) }
            guard let digests else {
                try db.run("DELETE FROM manifest WHERE device = ? AND inode = ?", key)
                return nil
            }
            try db.run(
                "UPDATE manifest SET used_at = ? WHERE device = ? AND inode = ?",
                [.integer(now)] + key)
            return digests
        }
    }

    /// Keeps a manifest as long as the file stays as it is, and there is room.
    package func keep(_ digests: [UInt8], of status: FileStatus, now: Int64) async throws {
        try await database.write { db in
            try db.run(
                """
                INSERT OR REPLACE INTO manifest
                    (device, inode, size, modified, changed, digests, used_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                Self.key(of: status) + Self.state(of: status) + [.blob(digests), .integer(now)])
            try Self.makeRoom(db)
        }
    }

    private static func makeRoom(_ db: Connection) throws {
        var bytes: Int64 = 0
        var count = 0
        var excess: [(Int64, Int64)] = []
        try db.forEach(
            "SELECT device, inode, length(digests) FROM manifest ORDER BY used_at DESC"
        ) { row in
            bytes += row.integer(2)
            count += 1
            guard bytes > manifestBytesMax || count > manifestsMax else { return true }
            excess.append((row.integer(0), row.integer(1)))
            return true
        }
        for (device, inode) in excess {
            try db.run(
                "DELETE FROM manifest WHERE device = ? AND inode = ?",
                [.integer(device), .integer(inode)])
        }
    }

    private static func key(of status: FileStatus) -> [Value] {
        [
            .integer(Int64(bitPattern: status.device)),
            .integer(Int64(bitPattern: status.inode)),
        ]
    }

    private static func state(of status: FileStatus) -> [Value] {
        [
            .integer(status.size), .integer(wrapped(status.modified)),
            .integer(wrapped(status.changed)),
        ]
    }

    private static func wrapped(_ time: FileStatus.Timestamp) -> Int64 {
        time.seconds &* 1_000_000_000 &+ time.nanoseconds
    }

    // MARK: - Downloads

    /// - Parameter sha256: Of the whole file, 64 lower-case hexadecimal digits.
    package func download(_ sha256: String) async throws -> Download? {
        try await database.read { db in
            try db.first(
                "SELECT size, digests, verified FROM download WHERE sha256 = ?", [.text(sha256)]
            ) { row in
                guard let manifest = Manifest(size: row.integer(0), digests: row.blob(1)),
                    let verified = PieceSet(
                        bytes: row.blob(2), pieceCount: manifest.layout.pieceCount)
                else { return nil }
                return Download(manifest: manifest, verified: verified)
            } ?? nil
        }
    }

    func begin(_ sha256: String, manifest: Manifest, verified: PieceSet, now: Int64) async throws {
        try await database.write { db in
            try db.run(
                """
                INSERT OR REPLACE INTO download (sha256, size, digests, verified, begun_at)
                VALUES (?, ?, ?, ?, ?)
                """,
                [
                    .text(sha256), .integer(manifest.layout.size), .blob(manifest.digests),
                    .blob(verified.bytes), .integer(now),
                ])
            try db.run(
                """
                DELETE FROM download WHERE sha256 IN
                    (SELECT sha256 FROM download ORDER BY begun_at DESC LIMIT -1 OFFSET ?)
                """, [.integer(Int64(Self.downloadsMax))])
        }
    }

    func update(_ sha256: String, verified: PieceSet) async throws {
        try await database.write { db in
            _ = try db.run(
                "UPDATE download SET verified = ? WHERE sha256 = ?",
                [.blob(verified.bytes), .text(sha256)])
        }
    }

    func end(_ sha256: String) async throws {
        try await database.write { db in
            _ = try db.run("DELETE FROM download WHERE sha256 = ?", [.text(sha256)])
        }
    }
}
