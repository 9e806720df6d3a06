/// A file as `GET /files` and `GET /search` list it. The seeds' peers leave out `path` and
/// `modified`.
package struct FileEntry: Codable, Hashable, Sendable {
    package var name: String
    /// In the shared directory, components separated by `/`.
    package var path: String?
    /// Bytes.
    package var size: Int64
    /// Lower-case hex SHA-256; empty until the file has been hashed.
    package var checksum: String?
    /// The extension without its dot.
    package var type: String?
    package var restURL: String?
    /// `grpc://host:port`; empty when it is unknown.
    package var grpc: String?
    /// RFC 3339, UTC, whole seconds.
    package var modified: String?

    private enum CodingKeys: String, CodingKey {
        case name, path, size, checksum, type, grpc, modified
        case restURL = "rest_url"
    }
}

extension FileEntry {
    /// - Parameters:
    ///   - base: REST base URL of the peer that has the file.
    ///   - grpc: Its gRPC address, host:port.
    init(_ file: FoundFile, base: String, grpc: String?) {
        self.init(
            name: file.name, path: file.path, size: file.size, checksum: file.sha256 ?? "",
            type: file.type, restURL: "\(base)/files/\(PercentEncoding.encode(path: file.path))",
            grpc: grpc.map { "grpc://\($0)" } ?? "",
            modified: HTTPDate(nanoseconds: file.modified).rfc3339)
    }
}

/// The answer of `GET /files`, as a client reads it; this peer writes it piece by piece
/// (``FileListing``).
package struct FileListDocument: Codable, Hashable, Sendable {
    package var peer: String
    package var base: String
    package var files: [FileEntry]
    /// There are more, after `next`.
    package var truncated: Bool?
    /// The value of `after` for what follows.
    package var next: String?
}
