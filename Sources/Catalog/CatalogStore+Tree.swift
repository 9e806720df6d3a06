import RootedFiles
import SQLite

extension CatalogStore {
    /// The files beneath `directory` (nil: all), in the order of the paths' bytes.
    ///
    /// - Parameter after: Only paths behind this one; nil from the start.
    func files(
        beneath directory: RelativePath?, after: String?, limit: Int
    ) async throws -> [SharedFile] {
        try await database.read { db in
            let (condition, values) = Self.beneath(directory)
            return try db.rows(
                """
                SELECT \(Self.columns) FROM file WHERE \(condition) AND path > ?
                ORDER BY path LIMIT ?
                """, values + [.text(after ?? ""), .integer(Int64(limit))], Self.file)
        }
    }

    /// The SHA-256 of those of the paths whose file is known and hashed.
    func digests(of paths: [String]) async throws -> [String: String] {
        try await database.read { db in
            var digests: [String: String] = [:]
            for path in paths {
                digests[path] = try db.first(
                    "SELECT sha256 FROM file WHERE path = ? AND sha256 IS NOT NULL", [.text(path)]
                ) { Hexadecimal.string($0.blob(0)) }
            }
            return digests
        }
    }
}
