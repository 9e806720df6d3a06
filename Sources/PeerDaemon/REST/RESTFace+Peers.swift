import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Overlay

extension RESTFace {
    /// GET and HEAD.
    func read(
        _ route: Route, _ target: RequestTarget, _ request: Request, _ context: RESTContext
    ) async throws -> Response {
        switch route {
        case .health: .json(await health())
        case .peers: .json(await peers())
        case .status: .json(await status())
        case .files: try await files(target)
        case .file(let name): try await download(name, request, context)
        case .search: .json(try await search(target))
        case .metrics: await metricsText(accept: request.headers[.accept])
        case .openAPI:
            Response(
                status: .ok, headers: [.contentType: MediaType.json],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_json)))
        case .register, .bootstrap, .directory: throw Problem.methodNotAllowed(route)
        }
    }

    /// POST.
    func write(_ route: Route, _ body: ByteBuffer, _ request: Request) async throws -> Response {
        switch route {
        case .register: .json(try await register(body, request.headers))
        case .bootstrap: .json(await bootstrap())
        default: throw Problem.methodNotAllowed(route)
        }
    }

    func metricsText(accept: String?) async -> Response {
        let (contentType, body) = await metrics(accept)
        return Response(
            status: .ok, headers: [.contentType: contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    func health() async -> HealthDocument {
        let stats = stats(of: await node.members(), await node.totals())
        var peer = PeerDocument(node.identity)
        peer.status = "ok"
        peer.files = Int64(stats.files)
        peer.bytes = stats.totalSize
        return HealthDocument(peer: peer, stats: stats)
    }

    private func peers() async -> PeersDocument {
        let members = await node.members()
        let healthy = members.healthyURLs
        return PeersDocument(
            peers: healthy, allPeers: members.map(\.url.description),
            stats: .init(totalPeers: members.count, healthyPeers: healthy.count))
    }

    private func status() async -> StatusDocument {
        let (identity, settings) = (node.identity, node.settings)
        let members = await node.members()
        let stats = stats(of: members, await node.totals())
        return StatusDocument(
            peer: identity.name, url: identity.url.description, id: identity.id,
            version: identity.version, grpc: identity.grpc,
            config: .init(
                restPort: identity.ports.rest, grpcPort: identity.ports.grpc,
                metricsPort: identity.ports.metrics, sharedDirectory: identity.sharedDirectory,
                maxFanout: settings.maxFanout, searchTTL: settings.searchTTL),
            stats: stats, healthyPeers: members.healthyURLs,
            allPeers: members.map(\.url.description), uptime: stats.uptime,
            directory: await directory?.role.document())
    }

    private func stats(of members: [Member], _ totals: SharedTotals) -> StatsDocument {
        StatsDocument(
            files: totals.files, totalSize: totals.bytes, hashed: totals.hashed,
            knownPeers: members.count, healthyPeers: members.healthyURLs.count,
            uptime: node.uptime.roundedSeconds)
    }

    // MARK: - Joining

    private func register(_ body: ByteBuffer, _ fields: HTTPFields) async throws -> PeerDocument {
        let request = try registration(body, fields)
        let url: PeerURL
        do {
            url = try PeerURL(request.url)
        } catch {
            throw Problem.unprocessable("url: \(error)")
        }
        let answer = await node.register(url)
        if let refusal = answer.refusal { throw Problem.unprocessable(refusal) }
        var peer = PeerDocument(node.identity)
        peer.ok = true
        peer.peers = answer.healthy.map(\.description)
        return peer
    }

    /// Old clients send JSON under any type, so the type matters only for what is no JSON.
    private func registration(
        _ body: ByteBuffer, _ fields: HTTPFields
    ) throws(Problem) -> RegisterRequest {
        try fields.checkIdentityCoding()
        do {
            return try JSONDecoder().decode(
                RegisterRequest.self, from: Data(body.readableBytesView))
        } catch DecodingError.dataCorrupted {
            let type = fields[.contentType]?.lowercased() ?? MediaType.json
            guard type.hasPrefix(MediaType.json) else {
                throw Problem(
                    status: .unsupportedMediaType, detail: "the body must be \(MediaType.json)")
            }
            throw .badRequest("the body is not JSON")
        } catch {
            throw .unprocessable("the body must be an object whose \"url\" is a string")
        }
    }

    private func bootstrap() async -> BootstrapDocument {
        let answer = await node.bootstrap()
        return BootstrapDocument(
            peer: node.identity.name, registered: answer.registered.map(\.description),
            failed: answer.failed.map(\.description), knownPeers: answer.known.map(\.description))
    }
}

extension [Member] {
    fileprivate var healthyURLs: [String] {
        filter { $0.state == .alive }.map(\.url.description)
    }
}

extension Duration {
    /// To the millisecond.
    fileprivate var roundedSeconds: Double {
        milliseconds.rounded() / 1000
    }

    var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) * 1e-15
    }
}
