import GRPCCore
import Overlay
import PeerWire
import RootedFiles
import Transfer

/// `p2p.v1.Trees` of another peer.
struct TreeSource: Sendable {
    let links: PeerLinks
    /// host:port
    let address: String

    /// Lists what is beneath `directory` there, all of it where that is empty.
    ///
    /// - Parameter onPage: Takes the next files; the next page is not read before it returned.
    /// - Throws: `FileSourceError`; what `onPage` throws.
    func list(
        _ directory: String, onPage: @escaping @Sendable ([FoundFile]) async throws -> Void
    ) async throws {
        try await mapped {
            let trees = P2p_V1_Trees.Client(wrapping: try links.client(of: address))
            try await trees.list(.with { $0.directory = directory }) { response in
                for try await reply in response.messages {
                    try await onPage(reply.files.compactMap { FoundFile($0) })
                }
            }
        }
    }

    enum Bundled: Sendable {
        case bytes([UInt8])
        case refused(String)
    }

    /// Fetches whole small files.
    ///
    /// - Parameter onFile: Takes the next file, by its number among `paths`.
    /// - Throws: As ``list(_:onPage:)``.
    func bundle(
        _ paths: [String], onFile: @escaping @Sendable (Int, Bundled) async throws -> Void
    ) async throws {
        try await mapped {
            let trees = P2p_V1_Trees.Client(wrapping: try links.client(of: address))
            try await trees.bundle(.with { $0.paths = paths }) { response in
                for try await reply in response.messages {
                    for file in reply.files where paths.indices.contains(Int(file.index)) {
                        let bundled: Bundled =
                            file.refusal.isEmpty
                            ? .bytes(Array(file.data)) : .refused(file.refusal)
                        try await onFile(Int(file.index), bundled)
                    }
                }
            }
        }
    }

    private func mapped(_ call: () async throws -> Void) async throws {
        do {
            try await call()
        } catch let error as RPCError {
            throw FileSourceError(.failed, Self.reason(of: error))
        }
    }

    private static func reason(of error: RPCError) -> String {
        error.code == .unimplemented
            ? "it lists no directories (its version may be too old for that)"
            : PeerLinks.reason(of: error)
    }
}
