import LogMessages
import Logging
import Overlay
import SQLite

/// What the gossip knew, in the tables `fleet_member` and `own_start`.
extension MemberStore {
    /// What a start begins with.
    struct Fleet: Sendable {
        var members: [SwimRecord] = []
        /// Greater than that of every earlier run whose database is still there.
        var boot: UInt64
    }

    /// - Parameter seconds: The wall clock's, since 1970: what a run is named by, unless it went back.
    func beginRun(seconds: Int64, logger: Logger) async -> Fleet {
        do {
            return try await database.write { db in
                let last = try db.first("SELECT max(boot) FROM own_start") {
                    $0.isNull(0) ? 0 : $0.integer(0)
                }
                let boot = max(seconds, (last ?? 0) + 1)
                _ = try db.run("DELETE FROM own_start", [])
                _ = try db.run("INSERT INTO own_start (boot) VALUES (?)", [.integer(boot)])
                let members = try db.rows(
                    "SELECT id, grpc, boot, refutations, state FROM fleet_member", [],
                    Self.record)
                return Fleet(members: members.compactMap { $0 }, boot: UInt64(boot))
            }
        } catch {
            logger.report(.peersUnreadable, ["error": "\(error)"])
            return Fleet(boot: UInt64(max(0, seconds)))
        }
    }

    /// Writes these records in place of their members' former ones.
    func save(_ records: [SwimRecord], removing ids: [PeerID], logger: Logger) async {
        do {
            try await database.write { db in
                for record in records {
                    _ = try db.run(
                        """
                        INSERT OR REPLACE INTO fleet_member (id, grpc, boot, refutations, state)
                        VALUES (?, ?, ?, ?, ?)
                        """,
                        [
                            .blob(record.id.bytes), .text(record.address),
                            .integer(Int64(clamping: record.incarnation.boot)),
                            .integer(Int64(record.incarnation.refutations)),
                            .integer(Int64(record.state.rawValue)),
                        ])
                }
                for id in ids {
                    _ = try db.run("DELETE FROM fleet_member WHERE id = ?", [.blob(id.bytes)])
                }
            }
        } catch {
            logger.report(.peerNotSaved, ["error": "\(error)"])
        }
    }

    private static func record(_ row: borrowing Row) -> SwimRecord? {
        guard let id = PeerID(bytes: row.blob(0)),
            let state = SwimState(rawValue: UInt8(clamping: row.integer(4)))
        else { return nil }
        return SwimRecord(
            id: id, address: row.text(1),
            incarnation: Incarnation(
                boot: UInt64(clamping: row.integer(2)),
                refutations: UInt32(clamping: row.integer(3))),
            state: state)
    }
}
