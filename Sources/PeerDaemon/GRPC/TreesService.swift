import Catalog
import FoundationEssentials
import GRPCCore
import NIOPosix
import Overlay
import PeerWire
import RootedFiles

/// `p2p.v1.Trees`: directories and small files in few calls.
struct TreesService: P2p_V1_Trees.SimpleServiceProtocol {
    /// Files of one ListReply.
    static let pageFiles = 500
    static let pathsMax = 1024
    static let fileBytesMax: Int64 = 256 << 10
    /// Data of one BundleReply, unless it is one file.
    private static let replyBytes = 256 << 10

    /// This peer, for messages.
    let name: String
    let catalog: Catalog
    let transfers: TransferCounters

    func list(
        request: P2p_V1_ListRequest, response: RPCWriter<P2p_V1_ListReply>, context: ServerContext
    ) async throws {
        try await FileFailure.mapped(by: name) {
            let directory =
                request.directory.isEmpty ? nil : try RelativePath(request.directory)
            var after: String?
            repeat {
                let page = try await catalog.files(
                    beneath: directory, after: after, limit: Self.pageFiles)
                if page.isEmpty, after == nil {
                    let what = "a file in \(Fault.quoted(request.directory))"
                    throw FileFailure.notFound(what: what, peer: name)
                }
                try await response.write(
                    .with { $0.files = page.map { P2p_V1_File(FoundFile($0)) } })
                after = page.count == Self.pageFiles ? page.last?.path : nil
            } while after != nil
        }
    }

    func bundle(
        request: P2p_V1_BundleRequest, response: RPCWriter<P2p_V1_BundleReply>,
        context: ServerContext
    ) async throws {
        guard request.paths.count <= Self.pathsMax else {
            throw RPCError(
                code: .invalidArgument,
                message: "a bundle has at most \(Self.pathsMax) files, not \(request.paths.count)")
        }
        try await transfers.counted(.sent) {
            var next = 0
            while next < request.paths.count {
                try Task.checkCancellation()
                let reply = await reply(of: request.paths, from: next)
                let bytes = reply.files.reduce(0) { $0 + $1.data.count }
                next += reply.files.count
                try await response.write(reply)
                transfers.add(.sent, bytes: Int64(bytes))
            }
        }
    }

    /// At least one file.
    private func reply(of paths: [String], from first: Int) async -> P2p_V1_BundleReply {
        var reply = P2p_V1_BundleReply()
        var bytes = 0
        for index in first..<paths.count where bytes < Self.replyBytes {
            let file = await file(paths[index], UInt32(index))
            bytes += file.data.count + file.refusal.utf8.count
            reply.files.append(file)
        }
        return reply
    }

    private func file(_ path: String, _ index: UInt32) async -> P2p_V1_BundledFile {
        var bundled = P2p_V1_BundledFile()
        bundled.index = index
        do {
            bundled.data = try await FileFailure.mapped(by: name) {
                let path = try RelativePath(path)
                return Data(
                    try await NIOThreadPool.singleton.runIfActive { [catalog] in
                        try Self.bytes(of: catalog.open(path))
                    })
            }
        } catch let error as RPCError {
            bundled.refusal = error.message
        } catch {
            bundled.refusal = "\(error)"
        }
        return bundled
    }

    private struct TooLarge: Error, CustomStringConvertible {
        let description = "it is too large for a bundle"
    }

    private static func bytes(of file: OpenFile) throws -> [UInt8] {
        let size = try file.status().size
        guard size <= fileBytesMax else { throw TooLarge() }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let count = try file.read(into: &bytes, at: 0)
        return count == bytes.count ? bytes : Array(bytes[..<count])
    }
}
