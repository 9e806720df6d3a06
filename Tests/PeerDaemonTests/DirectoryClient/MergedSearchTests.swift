import Overlay
import Testing

@testable import PeerDaemon

@Suite("A search of overlay and directory")
struct MergedSearchTests {
    private static let directoryURL = "http://directory:8000"

    private func url(_ name: String) throws -> PeerURL {
        try #require(PeerURL(wire: "http://\(name):8001"))
    }

    private func answer(
        _ name: String, _ paths: String..., from source: AnswerSource = .directory
    ) throws -> PeerAnswer {
        PeerAnswer(
            peer: PeerAddress(url: try url(name), name: name, id: nil, grpc: nil, version: nil),
            files: paths.map { FoundFile(path: $0, size: 1, modified: 0, sha256: nil) },
            truncated: false, source: source)
    }

    private func coverage(reached: Int = 2, truncated: Bool = false) -> SearchCoverage {
        SearchCoverage(
            reached: reached, known: 5, failed: [], duplicates: 1, truncated: truncated,
            elapsed: .zero)
    }

    private func overlay(_ events: SearchEvent...) -> AsyncStream<SearchEvent> {
        AsyncStream { continuation in
            for event in events { continuation.yield(event) }
            continuation.finish()
        }
    }

    private func findings(_ answers: PeerAnswer..., truncated: Bool = false) -> DirectoryFindings {
        var findings = DirectoryFindings()
        findings.take(
            DirectoryFiles(answers: answers, truncated: truncated), of: Self.directoryURL)
        return findings
    }

    private func merged(
        _ overlay: AsyncStream<SearchEvent>?, _ findings: DirectoryFindings
    ) async -> (answers: [PeerAnswer], failures: [PeerFailure], ends: [SearchCoverage]) {
        let search = MergedSearch(
            overlay: overlay, coverage: coverage(reached: 0), begin: .now,
            directory: Task { findings })
        var (answers, failures, ends): ([PeerAnswer], [PeerFailure], [SearchCoverage]) =
            ([], [], [])
        for await event in search.stream {
            switch event {
            case .answer(let answer): answers.append(answer)
            case .failure(let failure): failures.append(failure)
            case .end(let coverage): ends.append(coverage)
            }
        }
        return (answers, failures, ends)
    }

    @Test("A peer that answered itself is believed, the directory speaks for the others, after it")
    func believed() async throws {
        let near = try answer("near", "new", from: .overlay)
        let far = try answer("far", "x")
        let result = await merged(
            overlay(.answer(near), .end(coverage())),
            findings(try answer("near", "old", "gone"), far))
        #expect(result.answers == [near, far])
        #expect(result.ends.count == 1)
        #expect(result.ends.first?.directory == Self.directoryURL)
        #expect(result.ends.first?.reached == 2)
        #expect(result.ends.first?.duplicates == 1)
    }

    @Test("A peer that failed the overlay is taken from the directory, and still named")
    func failed() async throws {
        let failure = PeerFailure(url: try url("far"), reason: "is dead")
        var end = coverage()
        end.failed = [failure]
        let far = try answer("far", "x")
        let result = await merged(overlay(.failure(failure), .end(end)), findings(far))
        #expect(result.answers == [far])
        #expect(result.failures == [failure])
        #expect(result.ends.first?.failed == [failure])
    }

    @Test("Without an overlay the directory alone answers")
    func directoryAlone() async throws {
        let far = try answer("far", "x")
        let result = await merged(nil, findings(far))
        #expect(result.answers == [far])
        #expect(result.ends.count == 1)
        #expect(result.ends.first?.known == 5)
    }

    @Test("A directory that is away is a failure of the search, which goes on without it")
    func away() async throws {
        var away = DirectoryFindings()
        away.fail(Self.directoryURL, "directory: is away")
        let near = try answer("near", "x", from: .overlay)
        let result = await merged(overlay(.answer(near), .end(coverage())), away)
        #expect(result.answers == [near])
        #expect(result.failures.map(\.reason) == ["directory: is away"])
        #expect(result.ends.first?.failed == result.failures)
        #expect(result.ends.first?.directory == nil)
    }

    @Test("Either side that was cut makes the whole so", arguments: [true, false], [true, false])
    func truncated(overlayCut: Bool, directoryCut: Bool) async throws {
        let result = await merged(
            overlay(.end(coverage(truncated: overlayCut))),
            findings(truncated: directoryCut))
        #expect(result.ends.map(\.truncated) == [overlayCut || directoryCut])
    }

    @Test("An overlay that stops without an end ends the search, and the directory is not awaited")
    func stopping() async throws {
        let asked = Task {
            // Until it is cancelled.
            for await _ in AsyncStream<Never>.makeStream().stream {}
            return DirectoryFindings()
        }
        let search = MergedSearch(
            overlay: overlay(), coverage: coverage(), begin: .now, directory: asked)
        var events = search.stream.makeAsyncIterator()
        let event = await events.next()
        #expect(event == nil)
        #expect(asked.isCancelled)
    }
}
