import HTTPTypes
import HummingbirdTesting
import NIOCore
import Overlay
import Synchronization
import Testing

@testable import PeerDaemon

@Suite("RESTTests: what the seeds' clients ask")
struct RESTTestsSeedAPI {
    let rest: RESTTester
    var node: FakeNode { rest.node }

    init() throws {
        rest = try RESTTester()
        let members = [
            try Member("http://192.0.2.2:8001", .alive), try Member("http://192.0.2.3:8001", .dead),
        ]
        rest.node.state.withLock { $0.members = members }
    }

    @Test("Health tells the seeds their fields, and our own kind who this is")
    func health() async throws {
        let health = try await rest.get("/health")
        #expect(health.status == "ok")
        #expect(health.peer == "peer1")
        #expect(health.url == "http://192.0.2.1:8001")
        #expect(health.stats?.files == 3)
        #expect(health.stats?.total_size == 3000)
        #expect(health.stats?.hashed == 2)
        #expect(health.stats?.known_peers == 2)
        #expect(health.stats?.healthy_peers == 1)
        #expect(health.stats?.uptime == 12.345)
        #expect(health.id == .string(node.identity.id))
        #expect(health.name == "peer1")
        #expect(health.grpc == "192.0.2.1:50051")
        #expect(health.version == "1.0.0")
        #expect(health.files == 3)
        #expect(health.bytes == 3000)
    }

    @Test("A registration is passed on, under any content type, and answered with healthy peers")
    func register() async throws {
        for type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
            let response = try await rest.ask(
                .post, "/register", [.contentType: type],
                body: #"{"url":"http://192.0.2.9:8001/","id":"x","more":[1]}"#)
            #expect(response.status == .ok)
            let answer = try rest.json(response)
            #expect(answer.ok == true)
            #expect(answer.peers == ["http://192.0.2.2:8001"])
            #expect(answer.id == .string(node.identity.id))
            #expect(answer.name == "peer1")
            #expect(answer.grpc == "192.0.2.1:50051")
            #expect(answer.version == "1.0.0")
        }
        let url = try PeerURL("http://192.0.2.9:8001")
        #expect(node.state.withLock { $0.registered } == [url, url, url])
    }

    @Test(
        "What is no registration is refused with the right status",
        arguments: [
            (#"{"url":"#, "application/json", 400), ("url=x", "text/plain", 415),
            ("", "application/json", 400), ("[]", "application/json", 422),
            (#"{"url":1}"#, "application/json", 422), ("{}", "application/json", 422),
            (#"{"url":"ftp://h"}"#, "application/json", 422),
            (#"{"url":"http://h/p"}"#, "application/json", 422),
        ])
    func registerMalformed(body: String, type: String, status: Int) async throws {
        let response = try await rest.ask(.post, "/register", [.contentType: type], body: body)
        #expect(response.status.code == status)
        #expect(response.headers[.contentType] == "application/problem+json")
        #expect(try rest.json(response).status == .number(Double(status)))
        #expect(node.state.withLock { $0.registered } == [])
    }

    @Test("A peer that is refused is told why")
    func refused() async throws {
        node.state.withLock { $0.refusal = "that URL is this peer's own" }
        let response = try await rest.ask(
            .post, "/register", body: #"{"url":"http://192.0.2.1:8001"}"#)
        #expect(response.status == .unprocessableContent)
        #expect(try rest.json(response).detail == "that URL is this peer's own")
    }

    @Test("A page of another origin cannot have its reader's browser register a peer")
    func crossOrigin() async throws {
        let response = try await rest.ask(
            .post, "/register", [.origin: "http://evil.example"],
            body: #"{"url":"http://evil.example:1"}"#, framework: .live)
        #expect(response.status == .forbidden)
        #expect(node.state.withLock { $0.registered } == [])
    }

    @Test("A compressed or oversized body is refused unread")
    func bodies() async throws {
        let compressed = try await rest.ask(
            .post, "/register", [.contentEncoding: "gzip"], body: "{}")
        #expect(compressed.status == .unsupportedMediaType)
        let url = String(repeating: "x", count: 70_000)
        let large = try await rest.ask(
            .post, "/register", body: #"{"url":"\#(url)"}"#, framework: .live)
        #expect(large.status == .contentTooLarge)
        #expect(large.headers[.connection] == "close")
    }

    @Test("Bootstrap says with whom this peer registered")
    func bootstrap() async throws {
        let answer = try rest.json(try await rest.ask(.post, "/bootstrap"))
        #expect(answer.ok == true)
        #expect(answer.peer == "peer1")
        #expect(answer.registered == ["http://192.0.2.2:8001"])
        #expect(answer.failed == ["http://192.0.2.3:8001"])
        #expect(answer.known_peers == ["http://192.0.2.2:8001", "http://192.0.2.3:8001"])
    }

    @Test("Peers and status tell the healthy from all")
    func peers() async throws {
        let peers = try await rest.get("/peers")
        #expect(peers.peers == ["http://192.0.2.2:8001"])
        #expect(peers.all_peers == ["http://192.0.2.2:8001", "http://192.0.2.3:8001"])
        #expect(peers.stats?.total_peers == 2)
        #expect(peers.stats?.healthy_peers == 1)
        let status = try await rest.get("/status")
        #expect(status.peer == "peer1")
        #expect(status.url == "http://192.0.2.1:8001")
        #expect(status.config?.rest_port == 8001)
        #expect(status.config?.grpc_port == 50051)
        #expect(status.config?.shared_dir == .string(node.directory.path))
        #expect(status.config?.max_fanout == 3)
        #expect(status.config?.search_ttl == 3)
        #expect(status.healthy_peers == peers.peers)
        #expect(status.all_peers == peers.all_peers)
        #expect(status.uptime == 12.345)
        #expect(status.stats?.files == 3)
    }

    @Test("Metrics are what was injected, on both ports")
    func metrics() async throws {
        let response = try await rest.ask(.get, "/metrics", [.accept: "a/b"])
        #expect(response.text == "up 1 a/b")
        #expect(response.headers[.contentType] == "text/plain; version=0.0.4")
        try await RESTTester.application(MetricsResponder(face: rest.face)).test(.live) { client in
            let metrics = try await client.execute(uri: "/metrics", method: .get)
            #expect(metrics.text == "up 1 -")
            let health = try await client.execute(uri: "/health", method: .get)
            #expect(health.status == .ok)
            let other = try await client.execute(uri: "/files", method: .get)
            #expect(other.status == .notFound)
            let post = try await client.execute(uri: "/metrics", method: .post)
            #expect(post.status == .methodNotAllowed)
        }
    }

    @Test("A method that a resource does not have is answered with those it has")
    func methods() async throws {
        let put = try await rest.ask(.put, "/health")
        #expect(put.status == .methodNotAllowed)
        #expect(put.headers[.allow] == "GET, HEAD, OPTIONS")
        let get = try await rest.ask(.get, "/register")
        #expect(get.status == .methodNotAllowed)
        #expect(get.headers[.allow] == "POST, OPTIONS")
        #expect(try await rest.ask(.get, "/nothing").status == .notFound)
        let options = try await rest.ask(.options, "/files")
        #expect(options.status == .noContent)
        #expect(options.headers[.accessControlAllowOrigin] == "*")
        #expect(options.headers[.accessControlAllowMethods] == "GET, HEAD, OPTIONS")
    }

    @Test(
        "HEAD has the head of GET and no body",
        arguments: [
            "/health", "/peers", "/files", "/search", "/status", "/metrics", "/openapi.json",
        ])
    func head(uri: String) async throws {
        let get = try await rest.ask(.get, uri, framework: .live)
        let head = try await rest.ask(.head, uri, framework: .live)
        #expect(head.status == get.status)
        #expect(head.headers[.contentLength] == get.headers[.contentLength])
        #expect(head.headers[.contentLength] == "\(get.body.readableBytes)")
        #expect(head.body.readableBytes == 0)
    }

    @Test("Past its rate a client is told to wait, but health and metrics go on")
    func rateLimit() async throws {
        node.state.withLock { $0.settings.requestsPerMinute = 2 }
        for _ in 0..<2 { #expect(try await rest.ask(.get, "/peers").status == .ok) }
        let refused = try await rest.ask(.get, "/nothing")
        #expect(refused.status == .tooManyRequests)
        #expect(try rest.json(refused).detail == "Rate limit exceeded")
        #expect(
            refused.headers[.retryAfter].flatMap { Int($0) }.map { (1...30).contains($0) } == true)
        #expect(try await rest.ask(.get, "/health").status == .ok)
        #expect(try await rest.ask(.get, "/metrics").status == .ok)
        node.state.withLock { $0.settings.requestsPerMinute = 0 }
        #expect(try await rest.ask(.get, "/peers").status == .ok)
    }

    @Test("Downloads have a rate of their own")
    func downloadRateLimit() async throws {
        try node.directory.write("x", to: "a")
        node.state.withLock { $0.settings.downloadsPerMinute = 1 }
        #expect(try await rest.ask(.get, "/files/a").status == .ok)
        #expect(try await rest.ask(.get, "/files/a").status == .tooManyRequests)
        #expect(try await rest.ask(.head, "/files/a").status == .ok)
        #expect(try await rest.ask(.get, "/files").status == .ok)
    }

    @Test("Our own fault says nothing but the name that the log has for it")
    func internalError() async throws {
        node.state.withLock { $0.listingFails = true }
        let response = try await rest.ask(.get, "/files")
        #expect(response.status == .internalServerError)
        let problem = try rest.json(response)
        #expect(problem.error_id != nil)
        #expect(!response.text.contains("CatalogBroken"))
    }
}
