import FoundationEssentials
import GRPCCore
import GRPCNghttp2
import GRPCProtobuf
import NIOCore
import PeerWire
import SwiftProtobuf
import Transfer

/// A file at another p2p-peer, read over `p2p.v1.Files`, whole or by pieces.
struct GRPCFileSource: FileSource, PieceSource {
    let links: PeerLinks
    /// host:port
    let address: String

    func read(
        sha256: String, path: String, from offset: Int64,
        onChunk: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        let request = Self.request(sha256, path, offset: offset, length: 0)
        try await download(request) { buffers in
            for buffer in buffers { try await onChunk(Array(buffer.readableBytesView)) }
        }
    }

    func read(
        sha256: String, path: String, range: Range<Int64>,
        onChunk: @escaping @Sendable ([ByteBuffer]) async throws -> Void
    ) async throws {
        // A length of 0 would mean all.
        guard !range.isEmpty else { return }
        try await download(
            Self.request(sha256, path, offset: range.lowerBound, length: Int64(range.count)),
            onChunk: onChunk)
    }

    func manifest(
        sha256: String, path: String,
        onPage: @escaping @Sendable (ManifestPage) async throws -> Void
    ) async throws {
        let request = P2p_V1_ManifestRequest.with {
            $0.path = path
            $0.sha256 = Data(hexadecimal: sha256)
        }
        try await mapped {
            let files = P2p_V1_Files.Client(wrapping: try links.client(of: address))
            try await files.manifest(request) { response in
                for try await reply in response.messages {
                    try await onPage(
                        ManifestPage(
                            size: reply.size, firstPiece: reply.firstPiece,
                            digests: Array(reply.digests)))
                }
            }
        }
    }

    private static func request(
        _ sha256: String, _ path: String, offset: Int64, length: Int64
    ) -> P2p_V1_DownloadRequest {
        P2p_V1_DownloadRequest.with {
            $0.path = path
            $0.sha256 = Data(hexadecimal: sha256)
            $0.offset = offset
            $0.length = length
        }
    }

    private func download(
        _ request: P2p_V1_DownloadRequest,
        onChunk: @escaping @Sendable ([ByteBuffer]) async throws -> Void
    ) async throws {
        try await mapped {
            try await links.client(of: address).serverStreaming(
                request: ClientRequest(message: request),
                descriptor: P2p_V1_Files.Method.Download.descriptor,
                serializer: ProtobufSerializer<P2p_V1_DownloadRequest>(),
                deserializer: DownloadedBytesDeserializer(), options: .defaults
            ) { response in
                for try await chunk in response.messages { try await onChunk(chunk.buffers) }
            }
        }
    }

    private func mapped(_ call: () async throws -> Void) async throws {
        do {
            try await call()
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
