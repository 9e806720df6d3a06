import FoundationEssentials
import GRPCCore
import GRPCProtobuf
import PeerWire
import RootedFiles
import SwiftProtobuf
import Transfer

/// `p2p.v1.Files`: what peers move files with.
///
/// Registered by hand and not through the generated protocol, because Download's answers carry file
/// slices instead of bytes.
struct FilesService: RegistrableRPCService {
    /// Bytes of one DownloadReply: the most that the protocol allows. The transport cuts it into frames, so
    /// that another call on the connection waits for less.
    static let chunkBytes = 1 << 20

    let node: any Node
    let transfers: TransferCounters
    let manifests: Manifests

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: P2p_V1_Files.Method.Stat.descriptor,
            deserializer: ProtobufDeserializer<P2p_V1_StatRequest>(),
            serializer: ProtobufSerializer<P2p_V1_StatReply>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(
                single: ServerResponse(message: try await stat(request.message)))
        }
        router.registerHandler(
            forMethod: P2p_V1_Files.Method.Download.descriptor,
            deserializer: ProtobufDeserializer<P2p_V1_DownloadRequest>(),
            serializer: FileChunkSerializer()
        ) { request, _ in
            let request = try await ServerRequest(stream: request).message
            let sending = try await open(request)
            return StreamingServerResponse { writer in
                try await transfers.sending(sending.range.count) {
                    try await sending.write(into: writer) { _, offset, slice in
                        .reply(offset: offset, slice)
                    }
                }
                return [:]
            }
        }
        router.registerHandler(
            forMethod: P2p_V1_Files.Method.Manifest.descriptor,
            deserializer: ProtobufDeserializer<P2p_V1_ManifestRequest>(),
            serializer: ProtobufSerializer<P2p_V1_ManifestReply>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request).message
            let content = try await FileFailure.mapped(by: node.identity.name) {
                try await openContent(path: request.path, sha256: request.sha256)
            }
            return StreamingServerResponse { writer in
                try await describe(content.file, to: writer)
                return [:]
            }
        }
    }

    private func describe(
        _ file: OpenFile, to writer: RPCWriter<P2p_V1_ManifestReply>
    ) async throws {
        do {
            try await FileFailure.mapped(by: node.identity.name) {
                try await manifests.send(of: file) { page in
                    try await writer.write(P2p_V1_ManifestReply(page))
                }
            }
        } catch let failure as Manifests.Failure {
            throw RPCError(code: failure.code, message: "\(failure)")
        }
    }

    private func stat(_ request: P2p_V1_StatRequest) async throws -> P2p_V1_StatReply {
        try await FileFailure.mapped(by: node.identity.name) {
            var file = try await find(path: request.path, sha256: request.sha256)
            if request.checksum, file.sha256 == nil {
                file = try await node.checksummed(file.path)
            }
            return P2p_V1_StatReply.with { $0.file = P2p_V1_File(file) }
        }
    }

    private func open(_ request: P2p_V1_DownloadRequest) async throws -> FileSending {
        try await FileFailure.mapped(by: node.identity.name) {
            let content = try await openContent(path: request.path, sha256: request.sha256)
            let size = content.status.size
            guard (0...size).contains(request.offset), request.length >= 0 else {
                let what = "\(content.file.path) has \(size) bytes"
                throw RPCError(
                    code: .outOfRange, message: "\(what), \(request.offset) is not among them")
            }
            let rest = size - request.offset
            let count = request.length == 0 ? rest : min(request.length, rest)
            return FileSending(
                file: content.file, status: content.status,
                range: request.offset..<request.offset + count, chunkBytes: Self.chunkBytes)
        }
    }

    /// The file that is asked for, open; by its SHA-256 only while it still is what was hashed.
    private func openContent(
        path: String, sha256: Data
    ) async throws -> (file: OpenFile, status: FileStatus) {
        let found = try await find(path: path, sha256: sha256)
        let file = try await node.open(found.path)
        let status = try file.status()
        guard sha256.isEmpty || found.isContent(of: status) else {
            throw RPCError(
                code: .failedPrecondition,
                message: "\(found.path) has changed since its SHA-256 was taken")
        }
        return (file, status)
    }

    private func find(path: String, sha256: Data) async throws -> FoundFile {
        if !sha256.isEmpty {
            guard sha256.count == 32 else {
                throw RPCError(
                    code: .invalidArgument, message: "a SHA-256 has 32 bytes, not \(sha256.count)")
            }
            let hex = sha256.hexadecimal
            let holders = try await node.files(sha256: hex)
            // A path with it says which of several copies is meant.
            guard let file = holders.first(where: { $0.path == path }) ?? holders.first else {
                throw FileFailure.notFound(what: "sha256:\(hex)", peer: node.identity.name)
            }
            return file
        }
        _ = try RelativePath(path)
        guard let file = try await node.file(at: path) else {
            throw FileFailure.notFound(what: path, peer: node.identity.name)
        }
        return file
    }
}

extension P2p_V1_ManifestReply {
    init(_ page: ManifestPage) {
        self.init()
        size = page.size
        firstPiece = page.firstPiece
        digests = Data(page.digests)
    }
}

extension Manifests.Failure {
    fileprivate var code: RPCError.Code {
        switch self {
        case .busy: .unavailable
        case .changed: .aborted
        }
    }
}
