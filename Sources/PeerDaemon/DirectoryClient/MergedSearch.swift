import Metrics
import Overlay

/// A search that asks a directory besides the overlay, or instead of it.
///
/// A peer that answered itself is believed about its own files: what the directory lists of it is
/// the same, or older. So each file comes once. The directory speaks for the peers that the
/// overlay did not reach, after the others.
actor MergedSearch {
    /// nil: only the directory is asked.
    private var overlay: AsyncStream<SearchEvent>.Iterator?
    private let directory: Task<DirectoryFindings, Never>
    private var answered: Set<PeerURL> = []
    /// Of the overlay, kept until the directory has answered.
    private var coverage: SearchCoverage
    private let begin: ContinuousClock.Instant
    private var waiting: [SearchEvent]?

    /// - Parameter coverage: What is known when no overlay is asked.
    init(
        overlay: AsyncStream<SearchEvent>?, coverage: SearchCoverage,
        begin: ContinuousClock.Instant, directory: Task<DirectoryFindings, Never>
    ) {
        self.overlay = overlay?.makeAsyncIterator()
        self.coverage = coverage
        self.begin = begin
        self.directory = directory
    }

    /// Leaving it cancels both.
    nonisolated var stream: AsyncStream<SearchEvent> {
        AsyncStream {
            await self.next()
        } onCancel: {
            self.directory.cancel()
        }
    }

    private func next() async -> SearchEvent? {
        if let event = await nextOfOverlay() { return event }
        if waiting == nil { await collect() }
        guard let event = waiting?.first else { return nil }
        waiting?.removeFirst()
        return event
    }

    private func nextOfOverlay() async -> SearchEvent? {
        guard var iterator = overlay else { return nil }
        let event = await iterator.next(isolation: self)
        overlay = iterator
        switch event {
        case .answer(let answer):
            answered.insert(answer.peer.url)
            return event
        case .failure: return event
        case .end(let end):
            overlay = nil
            coverage = end
            return nil
        case nil:
            // This peer is stopping: there is no end to tell.
            overlay = nil
            waiting = []
            directory.cancel()
            return nil
        }
    }

    private func collect() async {
        let findings = await directory.value
        let answers = findings.answers.filter { !answered.contains($0.peer.url) }
        Counter(label: "p2p_search_answers_total").increment(by: answers.count)
        Counter(label: "p2p_search_hits_total").increment(
            by: answers.reduce(0) { $0 + $1.files.count })
        coverage.failed += findings.failures
        coverage.truncated = coverage.truncated || findings.truncated
        coverage.directory = findings.directory
        coverage.elapsed = .now - begin
        waiting =
            answers.map { .answer($0) } + findings.failures.map { .failure($0) }
            + [.end(coverage)]
    }
}
