import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOEmbedded
import Testing

@testable import PeerDaemon

@Suite("RESTTests: connections")
struct RESTTestsConnections {
    let rest: RESTTester

    init() throws {
        rest = try RESTTester()
    }

    @Test("By default IPv4 clients are served, too")
    func dualStack() async throws {
        try await LiveServer.run(rest.face, host: "::") { port in
            let client = try RawClient(port: port)
            try await client.send("GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try await client.receiveAll().hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("Requests in one packet are answered in their order, on one connection")
    func pipelining() async throws {
        try rest.node.directory.write("content", to: "f")
        try await LiveServer.run(rest.face) { port in
            let client = try RawClient(port: port)
            try await client.send(
                "HEAD /files HTTP/1.1\r\nHost: h\r\n\r\n"
                    + "GET /files/f HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n"
                    + "GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answers = try await client.receiveAll().split(separator: "HTTP/1.1 ")
            #expect(answers.map { $0.prefix(3) } == ["200", "206", "404"])
            #expect(answers[0].hasSuffix("\r\n\r\n"))
            #expect(answers[1].hasSuffix("\r\n\r\non"))
        }
    }

    @Test("The unread body of a request that was answered is no next request")
    func smuggling() async throws {
        try await LiveServer.run(rest.face) { port in
            let client = try RawClient(port: port)
            let inner = "GET /status HTTP/1.1\r\nHost: h\r\n\r\n"
            try await client.send(
                "GET /health HTTP/1.1\r\nHost: h\r\nContent-Length: \(inner.utf8.count)\r\n\r\n"
                    + inner + inner)
            let answers = try await client.receiveAll().split(separator: "HTTP/1.1 ")
            #expect(answers.count == 1)
            #expect(answers[0].lowercased().contains("connection: close"))
        }
    }

    @Test(
        "What the parser refuses is answered with a reason, behind the answers before it",
        arguments: [
            (path: 1, version: "SMTP/1.1", reason: "no valid HTTP request"),
            (path: 100_000, version: "HTTP/1.1", reason: "too large"),
        ])
    func refusedHead(path: Int, version: String, reason: String) async throws {
        let request = "GET \(String(repeating: "/", count: path)) \(version)\r\n\r\n"
        try await LiveServer.run(rest.face) { port in
            let client = try RawClient(port: port)
            try await client.send("GET /files/none HTTP/1.1\r\nHost: h\r\n\r\n" + request)
            let answers = try await client.receiveAll().split(separator: "HTTP/1.1 ")
            #expect(answers.map { $0.prefix(3) } == ["404", "400"])
            #expect(answers.last?.contains("\"detail\":") == true)
            #expect(answers.last?.contains(reason) == true)
            #expect(answers.last?.lowercased().contains("connection: close") == true)
        }
    }

    @Test("A body in chunks is refused past the bound")
    func chunkedBody() async throws {
        try await LiveServer.run(rest.face) { port in
            let client = try RawClient(port: port)
            let chunk = "4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n"
            try await client.send(
                "POST /register HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n"
            )
            for _ in 0..<5 { try await client.send(chunk) }
            try await client.send("0\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test(
        "What is no HTTP is answered with 400 or closed",
        arguments: [
            "rubbish\r\n\r\n", "GET /\u{1} HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\r\n\r\n",
        ])
    func rubbish(text: String) async throws {
        try await LiveServer.run(rest.face) { port in
            let client = try RawClient(port: port)
            try await client.send(text)
            let answer = try await client.receiveAll()
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test("A client that takes nothing is cut off; one that takes a little in time is not")
    func stalledReader() throws {
        let channel = EmbeddedChannel(
            handler: StalledReaderHandler(timeout: .seconds(60), lingering: .seconds(10)))
        try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        // What is written but not flushed stays on its way.
        for _ in 0..<3 {
            channel.write(ByteBuffer(string: "x"), promise: nil)
            channel.embeddedEventLoop.advanceTime(by: .seconds(59))
            channel.flush()
        }
        channel.embeddedEventLoop.advanceTime(by: .seconds(1000))
        #expect(channel.isActive)
        channel.write(ByteBuffer(string: "x"), promise: nil)
        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(61))
        #expect(!channel.isActive)
    }

    @Test("HEAD of a file has its length on the wire and nothing after its head")
    func headOfFile() async throws {
        try rest.node.directory.write("content", to: "f")
        try await LiveServer.run(rest.face) { port in
            let client = try RawClient(port: port)
            try await client.send("HEAD /files/f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answer = try await client.receiveAll()
            #expect(answer.contains("Content-Length: 7\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }
}
