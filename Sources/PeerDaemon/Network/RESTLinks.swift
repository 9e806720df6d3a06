import AsyncHTTPClient
import FoundationEssentials
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
    }

    let http: HTTPClient

    /// `GET /health`.
    func health(of url: PeerURL) async throws -> PeerInfo {
        let document: HealthDocument = try await send(HTTPClientRequest(url: "\(url)/health"))
        guard document.status == "ok" else {
            throw Failure(description: "says that its status is \(document.status)")
        }
        return PeerInfo(
            id: document.id, name: document.name ?? document.peer ?? "", version: document.version,
            grpc: document.grpc, files: document.files, bytes: document.bytes)
    }

    /// `POST /register`.
    func register(_ identity: NodeIdentity, with url: PeerURL) async throws -> RegisteredAnswer {
        var request = HTTPClientRequest(url: "\(url)/register")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        let body = try JSONEncoder().encode(RegisterBody(url: identity.url.description))
        request.body = .bytes(ByteBuffer(bytes: body))
        let answer: RegisterDocument = try await send(request)
        guard answer.ok else { throw Failure(description: "refused the registration") }
        // An id makes it one of ours; the original answers its list alone.
        let info = answer.id.map { id in
            PeerInfo(
                id: id, name: answer.name ?? "", version: answer.version, grpc: answer.grpc,
                files: nil, bytes: nil)
        }
        return RegisteredAnswer(peers: answer.peers.compactMap { PeerURL(wire: $0) }, info: info)
    }

    /// `GET /files`, filtered as the catalog does.
    func files(
        of url: PeerURL, matching text: String, limit: Int, timeout: Duration
    ) async throws -> PeerAnswer {
        let document: FilesDocument = try await send(
            HTTPClientRequest(url: "\(url)/files"), timeout: timeout)
        let wanted = text.lowercased()
        let matches = document.files.filter {
            wanted.isEmpty || $0.name.lowercased().contains(wanted)
        }
        let files = matches.prefix(limit).map {
            FoundFile(
                path: $0.name, size: $0.size ?? 0, modified: 0,
                sha256: $0.checksum.flatMap { $0.utf8.count == 64 ? $0.lowercased() : nil })
        }
        return PeerAnswer(
            peer: PeerAddress(
                url: url, name: document.peer ?? "", id: nil,
                grpc: nil, version: nil),
            files: Array(files), truncated: matches.count > limit)
    }

    private func send<Answer: Decodable>(
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

    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout:
            return "did not answer in time"
        case let error as NIOConnectionError:
            let first = error.connectionErrors.first.map { "\($0.error)" } ?? "no address"
            return "cannot connect to \(error.host):\(error.port): \(first)"
        default:
            return "\(error)"
        }
    }
}

/// `GET /health`; all but `status` may be missing at the original.
private struct HealthDocument: Decodable {
    var status: String
    var peer: String?
    var id: String?
    var name: String?
    var version: String?
    var grpc: String?
    var files: Int64?
    var bytes: Int64?
}

private struct RegisterBody: Encodable {
    var url: String
}

private struct RegisterDocument: Decodable {
    var ok: Bool
    var peers: [String]
    var id: String?
    var name: String?
    var version: String?
    var grpc: String?
}

private struct FilesDocument: Decodable {
    struct File: Decodable {
        var name: String
        var size: Int64?
        var checksum: String?
    }

    var peer: String?
    var files: [File]
}
