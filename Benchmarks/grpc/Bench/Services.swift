import FoundationEssentials
import GRPCCore
import GRPCProtobuf
import PeerWire
import SwiftProtobuf

/// The whole file in messages of a fixed size, one method a size. What a request says is ignored.
struct FileService: RegistrableRPCService {
    static let name = "bench.File"
    /// Bytes of a message's payload.
    static let sizes = [64 << 10, 256 << 10, 1 << 20]

    let file: BenchFile

    static func method(messageBytes: Int) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: name, method: "KiB\(messageBytes >> 10)")
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for size in Self.sizes {
            router.registerHandler(
                forMethod: Self.method(messageBytes: size), deserializer: ByteCounter(),
                serializer: FilePieceSerializer()
            ) { request, _ in
                for try await _ in request.messages {}
                return StreamingServerResponse { writer in
                    var offset: Int64 = 0
                    while offset < file.size {
                        let count = Int(min(Int64(size), file.size - offset))
                        try await writer.write(FilePiece(file: file, offset: offset, count: count))
                        offset += Int64(count)
                    }
                    return [:]
                }
            }
        }
    }
}

/// An ordinary service on the generated protocol: messages that are made in memory, by async code.
struct GeneratedFiles: P2p_V1_Files.SimpleServiceProtocol {
    /// Payload of each DownloadReply.
    private let block = Data(repeating: 7, count: 64 << 10)

    func stat(
        request: P2p_V1_StatRequest, context: ServerContext
    ) async throws -> P2p_V1_StatReply {
        P2p_V1_StatReply.with {
            $0.file.path = request.path
            $0.file.size = 4711
        }
    }

    /// `length` bytes.
    func download(
        request: P2p_V1_DownloadRequest, response: RPCWriter<P2p_V1_DownloadReply>,
        context: ServerContext
    ) async throws {
        var offset: Int64 = 0
        while offset < request.length {
            try await response.write(
                .with {
                    $0.offset = offset
                    $0.data = block
                })
            offset += Int64(block.count)
        }
    }

    func manifest(
        request: P2p_V1_ManifestRequest, response: RPCWriter<P2p_V1_ManifestReply>,
        context: ServerContext
    ) async throws {
        throw RPCError(code: .unimplemented, message: "nothing here asks for manifests")
    }
}
