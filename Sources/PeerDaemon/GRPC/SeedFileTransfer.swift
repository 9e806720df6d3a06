import GRPCCore
import GRPCProtobuf
import PeerWire

/// The decentralised program's `FileTransfer`, under both names that its clients may use.
struct SeedFileTransfer: RegistrableRPCService {
    static let serviceNames = ["filetransfer.FileTransfer", "FileTransfer"]

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
            let sending = try await SeedFiles.open(name, at: node)
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
}
