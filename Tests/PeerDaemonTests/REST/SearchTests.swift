import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Overlay
import Synchronization
import Testing

@testable import PeerDaemon

@Suite("RESTTests: searching")
struct RESTTestsSearch {
    let rest: RESTTester
    var node: FakeNode { rest.node }

    init() throws {
        rest = try RESTTester()
    }

    private func address(_ host: String, grpc: String?) throws -> PeerAddress {
        PeerAddress(
            url: try PeerURL("http://\(host):8001"), name: host, id: nil, grpc: grpc, version: nil)
    }

    @Test("A search answers with one entry a peer, its own first, links at the peer that has it")
    func search() async throws {
        let file = FoundFile(path: "a b/R 1.PDF", size: 7, modified: 0, sha256: "beef")
        let failed = PeerFailure(url: try PeerURL("http://192.0.2.8:8001"), reason: "gone")
        let events: [SearchEvent] = [
            .answer(
                .init(
                    peer: try address("192.0.2.2", grpc: "192.0.2.2:50051"), files: [file],
                    truncated: false)),
            .answer(
                .init(
                    peer: try address("192.0.2.1", grpc: "192.0.2.1:50051"), files: [],
                    truncated: false)),
            .answer(
                .init(peer: try address("192.0.2.3", grpc: nil), files: [file], truncated: true)),
            .failure(failed),
            .end(
                SearchCoverage(
                    reached: 3, known: 4, failed: [failed], duplicates: 1, truncated: false,
                    elapsed: .milliseconds(12))),
        ]
        node.state.withLock { $0.events = events }
        let answer = try await rest.get("/search?query=r%201&fanout=9&ttl=0")
        #expect(answer.query == "r 1")
        #expect(answer.ttl == 0)
        #expect(answer.fanout_used == 3)
        #expect(answer.results?.count == 3)
        #expect(answer.results?[0]?.peer == "http://192.0.2.1:8001")
        #expect(answer.results?[0]?.files == [])
        let found = answer.results?[1]
        #expect(found?.peer == "http://192.0.2.2:8001")
        #expect(found?.files?[0]?.name == "R 1.PDF")
        #expect(found?.files?[0]?.size == 7)
        #expect(found?.files?[0]?.checksum == "beef")
        #expect(found?.files?[0]?.type == "pdf")
        #expect(found?.files?[0]?.rest_url == "http://192.0.2.2:8001/files/a%20b/R%201.PDF")
        #expect(found?.files?[0]?.grpc == "grpc://192.0.2.2:50051")
        #expect(answer.results?[2]?.files?[0]?.grpc == "")
        #expect(answer.coverage?.reached == 3)
        #expect(answer.coverage?.known == 4)
        #expect(answer.coverage?.failed?[0]?.reason == "gone")
        #expect(answer.coverage?.duplicates == 1)
        #expect(answer.coverage?.elapsed_ms == 12)
    }

    @Test("What is not said is as the seeds and the settings have it")
    func defaults() async throws {
        let answer = try await rest.get("/search")
        #expect(answer.query == "")
        #expect(answer.ttl == 3)
        #expect(answer.fanout_used == 2)
        let asked = node.state.withLock { $0.searched }
        #expect(asked == [SearchRequest(text: "", fanout: 2, ttl: 3, timeout: .seconds(5))])
    }

    @Test("More files than an answer may hold are cut off and said to be")
    func bounded() async throws {
        let files = (0..<10_001).map {
            FoundFile(path: "f\($0)", size: 1, modified: 0, sha256: nil)
        }
        let own = try address("192.0.2.1", grpc: nil)
        let end = SearchCoverage(
            reached: 1, known: 1, failed: [], duplicates: 0, truncated: false, elapsed: .zero)
        node.state.withLock {
            $0.events = [.answer(.init(peer: own, files: files, truncated: false)), .end(end)]
        }
        let response = try await rest.ask(.get, "/search?query=f")
        let answer = try JSONDecoder().decode(
            SearchDocument.self, from: Data(response.body.readableBytesView))
        #expect(answer.results.first?.files.count == 10_000)
        #expect(answer.results.first?.truncated == true)
        #expect(answer.coverage.truncated)
    }

    @Test(
        "A parameter that is not in its range is named",
        arguments: [
            ("fanout", "x"), ("fanout", "-1"), ("fanout", "1001"), ("fanout", ""), ("ttl", "17"),
            ("ttl", "-1"), ("ttl", "1.5"), ("ttl", "99999999999999999999"), ("query", "%zz"),
            ("query", "%ff"),
        ])
    func invalid(name: String, value: String) async throws {
        let response = try await rest.ask(.get, "/search?\(name)=\(value)")
        #expect(response.status == .badRequest)
        #expect(response.text.contains("\\\"\(name)\\\""))
    }
}
