import AsyncHTTPClient
import FoundationEssentials
import GRPCNghttp2
import NIOCore
import NIOHTTP1
import NIOPosix
import Overlay

/// What is asked of other peers by REST: who they are, to know us, and, of those that speak nothing else,
/// what they share.
struct RESTLinks: Sendable {
    /// Largest answer that is read, in bytes; a list of 50,000 files.
    static let bodyBytesMax = 16 * 1024 * 1024
    static let timeout = Duration.seconds(3)

    struct RegisteredAnswer: Sendable {
        var peers: [PeerURL]
        var info: PeerInfo?
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// The next attempt will fail in the same way.
        var isFinal = false
    }

    let http: HTTPClient

    /// `GET /health`.
    func health(of url: PeerURL) async throws -> PeerInfo {
        let document: PeerDocument = try await send(HTTPClientRequest(url: "\(url)/health"))
        guard document.status == "ok" else {
            throw Failure(description: "says that its status is \(document.status ?? "unknown")")
        }
        return PeerInfo(
            id: document.id, name: document.name ?? document.peer ?? "", version: document.version,
            grpc: document.grpc, files: document.files, bytes: document.bytes)
    }

    /// `GET /health`: under which URL whoever answers wants to be known, and its id.
    func whoIs(at address: PeerURL) async throws -> (PeerURL?, id: String?) {
        let document: PeerDocument = try await send(HTTPClientRequest(url: "\(address)/health"))
        guard document.status == "ok" else {
            throw Failure(description: "says that its status is \(document.status ?? "unknown")")
        }
        return (document.url.flatMap { PeerURL(wire: $0) }, document.id)
    }

    /// `GET /health` at host:port: nothing but that it answers.
    func checkHealth(at address: String, timeout: Duration) async throws {
        let _: PeerDocument = try await send(
            HTTPClientRequest(url: "http://\(address)/health"), timeout: timeout)
    }

    /// `POST /register`.
    func register(_ identity: NodeIdentity, with url: PeerURL) async throws -> RegisteredAnswer {
        var request = HTTPClientRequest(url: "\(url)/register")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        let body = try JSON.encode(
            RegisterRequest(
                url: identity.url.description, id: identity.id, name: identity.name,
                version: identity.version, grpc: identity.grpc))
        request.body = .bytes(ByteBuffer(bytes: body))
        let answer: PeerDocument = try await send(request)
        guard answer.ok == true else { throw Failure(description: "refused the registration") }
        // An id makes it one of ours; the original answers its list alone.
        let info = answer.id.map { id in
            PeerInfo(
                id: id, name: answer.name ?? "", version: answer.version, grpc: answer.grpc,
                files: nil, bytes: nil)
        }
        return RegisteredAnswer(
            peers: (answer.peers ?? []).compactMap { PeerURL(wire: $0) }, info: info)
    }

    /// `GET /files`, filtered as the catalog does.
    func files(
        of url: PeerURL, matching text: String, limit: Int, timeout: Duration
    ) async throws -> PeerAnswer {
        let document: FileListDocument = try await send(
            HTTPClientRequest(url: "\(url)/files"), timeout: timeout)
        let wanted = text.lowercased()
        let matches = document.files.filter {
            wanted.isEmpty || $0.name.lowercased().contains(wanted)
        }
        let files = matches.prefix(limit).map {
            FoundFile(
                path: $0.name, size: $0.size, modified: 0,
                sha256: $0.checksum.flatMap { $0.utf8.count == 64 ? $0.lowercased() : nil })
        }
        return PeerAnswer(
            peer: PeerAddress(
                url: url, name: document.peer, id: nil,
                grpc: nil, version: nil),
            files: Array(files), truncated: matches.count > limit)
    }

    /// `GET /files/NAME` from `offset` on, whatever the answer's size.
    func download(
        _ path: String, of url: PeerURL, from offset: Int64,
        onChunk: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        let allowed = Set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/".utf8)
        let name = path.utf8.map { byte in
            allowed.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + [byte].hexadecimal.uppercased()
        }.joined()
        var request = HTTPClientRequest(url: "\(url)/files/\(name)")
        if offset > 0 { request.headers.add(name: "range", value: "bytes=\(offset)-") }
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, deadline: .distantFuture)
        } catch {
            throw Failure(description: Self.reason(of: error))
        }
        // A peer without ranges sends all of it: what is here already is passed over.
        var toSkip = response.status == .ok ? offset : 0
        guard response.status == .ok || response.status == .partialContent else {
            throw Failure(
                description: "answered HTTP \(response.status.code)",
                isFinal: (400..<500).contains(response.status.code) && response.status.code != 429)
        }
        for try await buffer in response.body {
            let skipped = min(toSkip, Int64(buffer.readableBytes))
            toSkip -= skipped
            let rest = buffer.readableBytesView.dropFirst(Int(skipped))
            if !rest.isEmpty { try await onChunk(Array(rest)) }
        }
    }

    func send<Answer: Decodable>(
        _ request: HTTPClientRequest, timeout: Duration = Self.timeout
    ) async throws -> Answer {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, timeout: TimeAmount(timeout))
        } catch {
            throw Failure(description: Self.reason(of: error))
        }
        guard response.status == .ok else {
            throw Failure(description: "answered HTTP \(response.status.code)")
        }
        do {
            let body = try await response.body.collect(upTo: Self.bodyBytesMax)
            return try JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView))
        } catch {
            throw Failure(description: "sent an answer that cannot be read: \(error)")
        }
    }

    static func reason(of error: any Error) -> String {
        switch error {
        case let error as HTTPClientError
        where error == .deadlineExceeded || error == .connectTimeout:
            return "did not answer in time"
        case let error as NIOConnectionError:
            return "cannot connect to \(error.host):\(error.port): "
                + ConnectionFailure.reason(of: error)
        case let error as IOError:
            return "cannot connect: \(SystemError(errno: error.errnoCode))".lowercased()
        default:
            return "\(error)"
        }
    }
}
