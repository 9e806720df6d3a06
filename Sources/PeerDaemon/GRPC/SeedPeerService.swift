import GRPCCore
import GRPCProtobuf
import PeerWire

/// The directory system's `peer.PeerService`.
///
/// Registered by hand and not through the generated protocol, because DownloadFile's answers carry
/// file slices instead of bytes.
struct SeedPeerService: RegistrableRPCService {
    static let serviceName = Peer_PeerService.descriptor.fullyQualifiedService
    /// Most files in one list; more are told by `truncated`.
    static let listedMax = 10_000
    /// Bytes of names in one list: clients take messages of 4 MiB.
    static let listedBytesMax = 3 << 20
    private static let pageFiles = 1000

    let node: any Node
    let transfers: TransferCounters
    let uploads: Uploads

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Peer_PeerService.Method.ListFiles.descriptor,
            deserializer: ProtobufDeserializer<Peer_Empty>(),
            serializer: ProtobufSerializer<Peer_ListFilesResponse>()
        ) { request, _ in
            _ = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: try await list()))
        }
        router.registerHandler(
            forMethod: Peer_PeerService.Method.DownloadFile.descriptor,
            deserializer: ProtobufDeserializer<Peer_DownloadRequest>(),
            serializer: FileChunkSerializer()
        ) { request, _ in
            let name = try await ServerRequest(stream: request).message.filename
            let sending = try await SeedFiles.open(name, at: node)
            return StreamingServerResponse { writer in
                try await transfers.sending(sending.range.count) {
                    try await sending.write(into: writer) { _, _, slice in .bare(slice) }
                }
                return [:]
            }
        }
        router.registerHandler(
            forMethod: Peer_PeerService.Method.UploadFile.descriptor,
            deserializer: ProtobufDeserializer<Peer_UploadChunk>(),
            serializer: ProtobufSerializer<Peer_UploadResponse>()
        ) { request, context in
            let response = try await upload(request.messages, from: context.remotePeer)
            return StreamingServerResponse(single: ServerResponse(message: response))
        }
    }

    private func list() async throws -> Peer_ListFilesResponse {
        var response = Peer_ListFilesResponse()
        var bytes = 0
        var last: String?
        while true {
            let page = try await node.files(after: last, limit: Self.pageFiles, matching: "")
            for file in page {
                bytes += file.path.utf8.count + 16
                guard response.files.count < Self.listedMax, bytes <= Self.listedBytesMax else {
                    response.truncated = true
                    return response
                }
                response.files.append(
                    .with {
                        $0.filename = file.path
                        $0.sizeBytes = file.size
                    })
            }
            guard page.count == Self.pageFiles else { return response }
            last = page.last?.path
        }
    }

    /// A refusal that the sender's user should read is an answer, what breaks the protocol a status.
    private func upload(
        _ messages: RPCAsyncSequence<Peer_UploadChunk, any Error>, from sender: String
    ) async throws -> Peer_UploadResponse {
        let chunks = messages.map { UploadChunk(name: $0.filename, bytes: Array($0.data)) }
        do {
            switch try await uploads.receive(chunks, from: sender) {
            case .kept(let path, let bytes):
                return .with {
                    $0.ok = true
                    $0.message = "\(path): \(bytes) bytes"
                }
            case .refused(let reason):
                return .with { $0.message = reason }
            }
        } catch let failure as Uploads.Failure {
            throw Self.status(of: failure)
        }
    }

    private static func status(of failure: Uploads.Failure) -> RPCError {
        switch failure {
        case .noName:
            RPCError(
                code: .invalidArgument, message: "the first chunk of an upload has its filename")
        case .otherName(let name):
            RPCError(
                code: .invalidArgument,
                message: "an upload is of one file, and \(Fault.quoted(name)) is another")
        case .stalled(let time):
            RPCError(code: .deadlineExceeded, message: "nothing was sent for \(time)")
        }
    }
}
