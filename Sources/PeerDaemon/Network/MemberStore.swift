import LogMessages
import Logging
import Overlay
import SQLite

/// The peers known, kept over a restart in `state_dir/peers.sqlite`.
///
/// As many rows as the membership has members. A database that cannot be read or written costs the
/// memory of a restart and no more: it is logged, and the friends are the way in again.
final class MemberStore: Sendable {
    let database: Database

    /// - Throws: `SQLiteError`.
    init(stateDirectory: String) throws {
        database = try Database(
            path: stateDirectory + "/peers.sqlite",
            migrations: [
                """
                CREATE TABLE peer (
                    url TEXT PRIMARY KEY, id TEXT, name TEXT, version TEXT, grpc TEXT
                ) WITHOUT ROWID
                """,
                """
                CREATE TABLE fleet_member (
                    id BLOB PRIMARY KEY, grpc TEXT NOT NULL, boot INTEGER NOT NULL,
                    refutations INTEGER NOT NULL, state INTEGER NOT NULL
                ) WITHOUT ROWID
                """,
                "CREATE TABLE own_start (boot INTEGER NOT NULL)",
            ], readers: 1)
    }

    func load(logger: Logger) async -> [RestoredMember] {
        do {
            return try await database.read { db in
                try db.rows("SELECT url, id, name, version, grpc FROM peer ORDER BY url") { row in
                    PeerURL(wire: row.text(0)).map { url in
                        RestoredMember(url: url, info: Self.info(row))
                    }
                }.compactMap { $0 }
            }
        } catch {
            logger.report(.peersUnreadable, ["error": "\(error)"])
            return []
        }
    }

    func save(_ member: Member, logger: Logger) async {
        let values: [Value] = [
            Value(member.url.description), Value(member.info?.id), Value(member.info?.name),
            Value(member.info?.version), Value(member.info?.grpc),
        ]
        await write(
            "INSERT OR REPLACE INTO peer (url, id, name, version, grpc) VALUES (?, ?, ?, ?, ?)",
            values, logger)
    }

    func remove(_ url: PeerURL, logger: Logger) async {
        await write("DELETE FROM peer WHERE url = ?", [Value(url.description)], logger)
    }

    private func write(_ sql: String, _ values: [Value], _ logger: Logger) async {
        do {
            try await database.write { db in _ = try db.run(sql, values) }
        } catch {
            logger.report(.peerNotSaved, ["error": "\(error)"])
        }
    }

    private static func info(_ row: borrowing Row) -> PeerInfo? {
        guard !row.isNull(2) else { return nil }
        func text(_ column: Int) -> String? { row.isNull(column) ? nil : row.text(column) }
        return PeerInfo(
            id: text(1), name: row.text(2), version: text(3), grpc: text(4), files: nil, bytes: nil)
    }
}
