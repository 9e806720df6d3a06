import Folding
import RootedFiles
import SQLite

extension CatalogStore {
    static let columns = "path, size, modified_s, modified_ns, sha256"

    /// Above so many candidates the names themselves are walked in the order of paths, which is
    /// then soon full; below, the candidates are sorted. (guess)
    private static let candidatesMax: Int64 = 4096

    /// The files whose name contains `query`, whatever its case; all when it is empty.
    ///
    /// - Parameter after: Only paths behind this one; nil from the start.
    /// - Returns: Up to `limit`, in the order of the paths' bytes.
    func search(_ query: String, after: String?, limit: Int) async throws -> [SharedFile] {
        // No name contains a NUL, and SQLite's text functions stop at one.
        if query.utf8.contains(0) { return [] }
        let folded = FoldedName(query)
        return try await database.read { db in
            if let match = folded.matchExpression, try Self.isSelective(match, in: db) {
                return try db.rows(
                    """
                    SELECT \(Self.columns) FROM file_text CROSS JOIN file
                        ON file.id = file_text.rowid
                    WHERE file_text MATCH ? AND instr(ifnull(file.folded, name), ?) > 0
                        AND path > ?
                    ORDER BY path LIMIT ?
                    """,
                    [
                        .text(match), .text(folded.string), .text(after ?? ""),
                        .integer(Int64(limit)),
                    ], Self.file)
            }
            return try db.rows(
                """
                SELECT \(Self.columns) FROM file
                WHERE path > ? AND instr(ifnull(folded, name), ?) > 0
                ORDER BY path LIMIT ?
                """, [.text(after ?? ""), .text(folded.string), .integer(Int64(limit))],
                Self.file)
        }
    }

    private static func isSelective(_ match: String, in db: Connection) throws -> Bool {
        let count = try db.first(
            "SELECT count(*) FROM (SELECT 1 FROM file_text WHERE file_text MATCH ? LIMIT ?)",
            [.text(match), .integer(candidatesMax + 1)]
        ) { $0.integer(0) }
        return (count ?? 0) <= candidatesMax
    }

    func file(path: String) async throws -> SharedFile? {
        try await database.read { db in
            try db.first(
                "SELECT \(Self.columns) FROM file WHERE path = ?", [.text(path)], Self.file)
        }
    }

    /// - Returns: Up to `limit`, in the order of paths.
    func files(named name: String, limit: Int) async throws -> [SharedFile] {
        try await files(where: "name = ?", .text(name), limit: limit)
    }

    /// - Returns: Up to `limit`, in the order of paths.
    func files(sha256: [UInt8], limit: Int) async throws -> [SharedFile] {
        try await files(where: "sha256 = ?", .blob(sha256), limit: limit)
    }

    private func files(
        where condition: String, _ value: Value, limit: Int
    ) async throws -> [SharedFile] {
        try await database.read { db in
            try db.rows(
                "SELECT \(Self.columns) FROM file WHERE \(condition) ORDER BY path LIMIT ?",
                [value, .integer(Int64(limit))], Self.file)
        }
    }

    static func file(_ row: borrowing Row) -> SharedFile {
        SharedFile(
            path: row.text(0), size: row.integer(1),
            modified: FileStatus.Timestamp(
                seconds: row.integer(2), nanoseconds: row.integer(3)),
            sha256: row.isNull(4) ? nil : Hexadecimal.string(row.blob(4)))
    }
}
