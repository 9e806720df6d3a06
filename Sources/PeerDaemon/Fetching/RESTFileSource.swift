import Overlay
import Transfer

/// A file at a neighbour that speaks only REST, read through the link that its list promises.
struct RESTFileSource: FileSource {
    let links: RESTLinks
    let peer: PeerURL

    func read(
        sha256: String, path: String, from offset: Int64,
        onChunk: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        do {
            try await links.download(path, of: peer, from: offset, onChunk: onChunk)
        } catch let error as RESTLinks.Failure {
            throw FileSourceError(error.isFinal ? .refused : .failed, error.description)
        }
    }
}
