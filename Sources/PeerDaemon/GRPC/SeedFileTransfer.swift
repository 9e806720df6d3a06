import GRPCCore
import GRPCProtobuf
import PeerWire
import RootedFiles

/// The decentralised program's `FileTransfer`, under both names that its clients may use.
struct SeedFileTransfer: RegistrableRPCService {
    static let serviceNames = ["filetransfer.FileTransfer", "FileTransfer"]
    /// Fixed by the seeds' protocol.
    static let chunkBytes = 64 * 1024

    let node: any Node
    let transfers: TransferCounters

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for service in Self.serviceNames {
            registerDownload(on: service, &router)
            registerUpload(on: service, &router)
        }
    }

    private func registerDownload<Transport: ServerTransport>(
        on service: String, _ router: inout RPCRouter<Transport>
    ) {
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: service, method: "DummyDownload"),
            deserializer: ProtobufDeserializer<Filetransfer_FileRequest>(),
            serializer: FileChunkSerializer()
        ) { request, _ in
            let name = try await ServerRequest(stream: request).message.filename
            let sending = try await open(name)
            return StreamingServerResponse { writer in
                try await transfers.sending(sending.range.count) {
                    try await sending.write(into: writer) { number, _, slice in
                        .numbered(number, slice)
                    }
                }
                return [:]
            }
        }
    }

    private func registerUpload<Transport: ServerTransport>(
        on service: String, _ router: inout RPCRouter<Transport>
    ) {
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: service, method: "DummyUpload"),
            deserializer: ProtobufDeserializer<Filetransfer_FileChunk>(),
            serializer: ProtobufSerializer<Filetransfer_UploadStatus>()
        ) { request, _ in
            var status = Filetransfer_UploadStatus()
            for try await chunk in request.messages {
                status.receivedBytes += Int64(chunk.data.count)
                status.chunks += 1
            }
            return StreamingServerResponse(single: ServerResponse(message: status))
        }
    }

    /// By path, or as the seeds name files: by name alone, wherever it is; the first path counts.
    private func open(_ name: String) async throws -> FileSending {
        try await FileFailure.mapped(by: node.identity.name) {
            let exact = try await node.file(at: name)
            let named = exact == nil ? try await node.files(named: name).first : nil
            // A name that the catalog does not have yet may be there: the directory decides.
            let file = try await node.open((exact ?? named)?.path ?? name)
            return FileSending(
                file: file, range: 0..<(try file.status().size), chunkBytes: Self.chunkBytes)
        }
    }
}
