import FoundationEssentials
import GRPCCore
import PeerWire
import SwiftProtobuf
import Transfer

/// A file at another p2p-peer, read over `p2p.v1.Files`.
struct GRPCFileSource: FileSource {
    let links: PeerLinks
    /// host:port
    let address: String

    func read(
        sha256: String, path: String, from offset: Int64,
        onChunk: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        let request = P2p_V1_DownloadRequest.with {
            $0.path = path
            $0.sha256 = Data(hexadecimal: sha256)
            $0.offset = offset
        }
        do {
            let files = P2p_V1_Files.Client(wrapping: try links.client(of: address))
            try await files.download(request) { response in
                for try await reply in response.messages {
                    try await onChunk(Array(reply.data))
                }
            }
        } catch let error as RPCError {
            throw FileSourceError(Self.kind(of: error.code), PeerLinks.reason(of: error))
        }
    }

    private static func kind(of code: RPCError.Code) -> FileSourceError.Kind {
        switch code {
        case .notFound, .permissionDenied, .unauthenticated, .invalidArgument, .outOfRange,
            .failedPrecondition, .unimplemented:
            .refused
        default:
            .failed
        }
    }
}
