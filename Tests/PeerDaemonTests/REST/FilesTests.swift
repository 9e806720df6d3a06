import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Overlay
import Synchronization
import Testing

@testable import PeerDaemon

@Suite("RESTTests: files")
struct RESTTestsFiles {
    let rest: RESTTester
    var node: FakeNode { rest.node }

    init() throws {
        rest = try RESTTester()
    }

    @Test("The list has what the seeds list, with links that lead to the file")
    func list() async throws {
        let name = "d/año 100%#?.TXT"
        try node.directory.write("hello", to: name, modified: 784_111_777)
        try node.directory.write("", to: "empty")
        node.state.withLock { $0.hashes = [name: "cafe"] }
        let list = try await rest.get("/files")
        #expect(list.peer == "peer1")
        #expect(list.base == "http://192.0.2.1:8001")
        #expect(list.files?.count == 2)
        #expect(list.truncated == false)
        let entry = list.files?[0]
        #expect(entry?.name == "año 100%#?.TXT")
        #expect(entry?.path == .string(name))
        #expect(entry?.size == 5)
        #expect(entry?.checksum == "cafe")
        #expect(entry?.type == "txt")
        #expect(entry?.grpc == "grpc://192.0.2.1:50051")
        #expect(entry?.modified == "1994-11-06T08:49:37Z")
        #expect(list.files?[1]?.checksum == "")
        #expect(list.files?[1]?.type == "")
        guard case .string(let url) = entry?.rest_url else {
            Issue.record("no link")
            return
        }
        let link = url.dropFirst("http://192.0.2.1:8001".count)
        #expect(link == "/files/d/a%C3%B1o%20100%25%23%3F.TXT")
        #expect(try await rest.ask(.get, String(link)).text == "hello")
    }

    @Test(
        "Thousands of files are streamed, whole and in order",
        arguments: [0, 1, 499, 500, 501, 1001])
    func pages(count: Int) async throws {
        let files = (0..<count).map {
            FoundFile(path: "f\(100_000 + $0)", size: 1, modified: 0, sha256: nil)
        }
        node.state.withLock { $0.listed = files }
        let get = try await rest.ask(.get, "/files", framework: .live)
        let list = try JSONDecoder().decode(
            FileListDocument.self, from: Data(get.body.readableBytesView))
        #expect(list.files.map(\.path) == files.map(\.path))
        #expect(list.truncated == false)
        let head = try await rest.ask(.head, "/files", framework: .live)
        #expect(head.headers[.contentLength] == "\(get.body.readableBytes)")
    }

    @Test("A list can be filtered, cut and continued")
    func parameters() async throws {
        for name in ["a1", "a2", "b1", "a3"] { try node.directory.write("", to: name) }
        let first = try await rest.get("/files?query=A&limit=2")
        #expect(first.files?.count == 2)
        #expect(first.truncated == true)
        #expect(first.next == "a2")
        let second = try await rest.get("/files?query=A&limit=2&after=a2")
        #expect(second.files?.count == 1)
        #expect(second.files?[0]?.name == "a3")
        #expect(second.truncated == false)
        #expect(try await rest.ask(.get, "/files?limit=0").status == .badRequest)
        #expect(try await rest.ask(.get, "/files?limit=10001").status == .badRequest)
    }

    @Test("A file arrives byte for byte, with what describes it")
    func download() async throws {
        let bytes = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        try node.directory.write(bytes, to: "x.JSON", modified: 784_111_777)
        let response = try await rest.ask(.get, "/files/x.JSON", framework: .live)
        #expect(response.status == .ok)
        #expect(Array(response.body.readableBytesView) == bytes)
        #expect(response.headers[.contentLength] == "700001")
        #expect(response.headers[.contentType] == "application/json")
        #expect(response.headers[.xContentTypeOptions] == "nosniff")
        #expect(response.headers[.acceptRanges] == "bytes")
        #expect(response.headers[.lastModified] == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(response.headers[.accessControlAllowOrigin] == "*")
        let head = try await rest.ask(.head, "/files/x.JSON", framework: .live)
        #expect(head.headers[.contentLength] == "700001")
        #expect(head.headers[.eTag] == response.headers[.eTag])
    }

    @Test("The entity tag is the hash once it is known, and changes with the file")
    func entityTags() async throws {
        try node.directory.write("one", to: "f", modified: 1_000_000)
        let unhashed = try await rest.ask(.get, "/files/f").headers[.eTag]
        node.state.withLock { $0.hashes = ["f": "cafe"] }
        #expect(try await rest.ask(.get, "/files/f").headers[.eTag] == "\"cafe\"")
        // The catalog still has the old size.
        node.state.withLock {
            $0.listed = [FoundFile(path: "f", size: 4, modified: 1_000_000, sha256: "cafe")]
        }
        #expect(try await rest.ask(.get, "/files/f").headers[.eTag] == unhashed)
        try node.directory.write("two", to: "f", modified: 1_000_001)
        #expect(try await rest.ask(.get, "/files/f").headers[.eTag] != unhashed)
    }

    @Test("Ranges and conditions are served as RFC 9110 has them")
    func ranges() async throws {
        try node.directory.write("0123456789", to: "f", modified: 1_000_000)
        let part = try await rest.ask(.get, "/files/f", [.range: "bytes=2-4"], framework: .live)
        #expect(part.status == .partialContent)
        #expect(part.text == "234")
        #expect(part.headers[.contentRange] == "bytes 2-4/10")
        let beyond = try await rest.ask(.get, "/files/f", [.range: "bytes=10-"])
        #expect(beyond.status == .rangeNotSatisfiable)
        #expect(beyond.headers[.contentRange] == "bytes */10")
        let several = try await rest.ask(.get, "/files/f", [.range: "bytes=0-1,3-4"])
        #expect(several.status == .ok)
        #expect(several.text == "0123456789")
        let tag = try #require(part.headers[.eTag])
        let unchanged = try await rest.ask(.get, "/files/f", [.ifNoneMatch: tag], framework: .live)
        #expect(unchanged.status == .notModified)
        #expect(unchanged.headers[.eTag] == tag)
        #expect(unchanged.body.readableBytes == 0)
        let stale = try await rest.ask(.get, "/files/f", [.range: "bytes=2-4", .ifRange: "\"x\""])
        #expect(stale.status == .ok)
        let fresh = try await rest.ask(.get, "/files/f", [.range: "bytes=2-4", .ifRange: tag])
        #expect(fresh.status == .partialContent)
        let failed = try await rest.ask(.get, "/files/f", [.ifMatch: "\"x\""])
        #expect(failed.status == .preconditionFailed)
        let head = try await rest.ask(.head, "/files/f", [.range: "bytes=2-4"])
        #expect(head.status == .ok)
    }

    @Test(
        "Nothing outside the directory, and nothing but files, is ever served",
        arguments: [
            "/files/..", "/files/../secret", "/files/%2e%2e/secret", "/files/%2e%2e%2fsecret",
            "/files/%252e%252e%252fsecret", "/files/d/../../secret", "/files//etc/passwd",
            "/files/%2fetc/passwd", "/files/%2fetc%2fpasswd", "/files/..%5csecret",
            "/files/..\\secret",
            "/files/link", "/files/linkdir/passwd", "/files/fifo", "/files/d", "/files/d/",
            "/files/.", "/files/./f", "/files/", "/files/f/", "/files/f/x", "/files/dev/null",
            "/files/f%00", "/files/f%00.txt", "/files/%", "/files/%4", "/files/%ff",
            "/files/.p2p-peer/x", "/files/\(String(repeating: "a", count: 300))",
            "/files/\(String(repeating: "a/", count: 3000))x",
        ])
    func hostilePaths(uri: String) async throws {
        let directory = node.directory
        try directory.write("fine", to: "f")
        try directory.write("fine", to: "d/g")
        try directory.makeLink("link", to: "/etc/passwd")
        try directory.makeLink("linkdir", to: "/etc")
        try directory.makeFIFO("fifo")
        let response = try await rest.ask(.get, uri)
        #expect(response.status == .notFound || response.status == .badRequest)
        #expect(response.headers[.contentType] == "application/problem+json")
        #expect(!response.text.contains("root:"))
    }

    @Test("Of a file that shrinks while it is served the rest is not made up")
    func shrinking() async throws {
        let face = rest.face
        let size = 64 * 1024 * 1024
        try node.directory.write("", to: "big")
        try node.directory.truncate("big", to: size)
        try await LiveServer.run(face) { port in
            let client = try RawClient(port: port)
            try await client.send("GET /files/big HTTP/1.1\r\nHost: h\r\n\r\n")
            // The head and the first bytes are there: the file is being served.
            var received = try await client.receive()
            try node.directory.truncate("big", to: 1000)
            while case let count = try await client.receive(), count > 0 { received += count }
            #expect(received < size)
        }
    }
}
