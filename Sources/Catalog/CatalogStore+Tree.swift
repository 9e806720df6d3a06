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

    /// The SHA-256 of those of the paths whose file is on the disk as it was when it was hashed.
    ///
    /// The disk is asked because a removal is told a little later.
    func digests(
        of paths: [RelativePath], in root: RootedDirectory
    ) async throws -> [RelativePath: String] {
        try await database.read { db in
            var digests: [RelativePath: String] = [:]
            for path in paths {
                guard let status = Self.status(of: path, in: root) else { continue }
                digests[path] = try db.first(
                    """
                    SELECT sha256 FROM file WHERE path = ? AND size = ? AND modified_s = ?
                        AND modified_ns = ? AND changed = ? AND inode = ? AND sha256 IS NOT NULL
                    """,
                    [
                        .text(path.string), .integer(status.size),
                        .integer(status.modified.seconds), .integer(status.modified.nanoseconds),
                        .integer(status.changed.wrappedNanoseconds),
                        .integer(Int64(bitPattern: status.inode)),
                    ]
                ) { Hexadecimal.string($0.blob(0)) }
            }
            return digests
        }
    }

    /// nil where nothing can be seen, for whatever reason.
    private static func status(of path: RelativePath, in root: RootedDirectory) -> FileStatus? {
        do {
            return try root.status(of: path)
        } catch {
            return nil
        }
    }
}
