import NIOCore

/// A peer that describes files by pieces, and gives any of them.
package protocol PieceSource: Sendable {
    /// Reads the manifest of the file with this SHA-256 (64 hex digits), at `path` there.
    ///
    /// - Parameter onPage: Takes the next page; when it throws, the stream is to be ended.
    /// - Throws: As ``FileSource/read(sha256:path:from:onChunk:)``.
    func manifest(
        sha256: String, path: String,
        onPage: @escaping @Sendable (ManifestPage) async throws -> Void
    ) async throws

    /// Reads these bytes of it. As ``FileSource/read(sha256:path:from:onChunk:)`` otherwise.
    ///
    /// - Parameter onChunk: Takes the next bytes, at best a piece at once, as they lie in memory.
    func read(
        sha256: String, path: String, range: Range<Int64>,
        onChunk: @escaping @Sendable ([ByteBuffer]) async throws -> Void
    ) async throws
}
