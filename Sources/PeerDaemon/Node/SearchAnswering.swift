import Metrics
import Overlay

/// Turns the events of a query that began here into what its caller sees, and sums up its coverage.
struct SearchAnswering: Sendable {
    private var failures: [PeerURL: String]
    private var reached: Set<PeerURL> = []
    private var truncated = false
    private let known: Int
    private let begin: ContinuousClock.Instant

    /// Dead members that an answer names, at most.
    static let deadNamedMax = 100

    /// - Parameter members: The peers known when the search begins. The dead among them are not
    ///   asked, and are named as not reached unless they answer another peer.
    init(members: [Member], begin: ContinuousClock.Instant) {
        known = members.count + 1
        self.begin = begin
        let dead = members.filter { $0.state == .dead }.prefix(Self.deadNamedMax)
        failures = Dictionary(
            uniqueKeysWithValues: dead.map { member in
                (member.url, "is dead: \(member.reason ?? "it does not answer")")
            })
    }

    /// Leaving the stream leaves `events`, which cancels the query.
    func stream(of events: AsyncStream<QueryEvent>) -> AsyncStream<SearchEvent> {
        let state = SearchAnsweringState(self, events)
        return AsyncStream { await state.next() }
    }

    /// nil for what a caller does not see.
    mutating func take(_ event: QueryEvent) -> SearchEvent? {
        switch event {
        case .answer(let answer):
            reached.insert(answer.peer.url)
            // An answer that came another way replaces a failure.
            failures[answer.peer.url] = nil
            Counter(label: "p2p_search_answers_total").increment()
            Counter(label: "p2p_search_hits_total").increment(by: answer.files.count)
            truncated = truncated || answer.truncated
            return .answer(answer)
        case .failure(let peer, let reason):
            guard !reached.contains(peer.url) else { return nil }
            failures[peer.url] = reason
            Counter(label: "p2p_search_failures_total").increment()
            return .failure(PeerFailure(url: peer.url, reason: reason))
        case .finished(let coverage):
            return .end(
                self.coverage(
                    duplicates: coverage.duplicates,
                    truncated: truncated || coverage.truncated || coverage.timedOut))
        case .refused:
            return .end(coverage(duplicates: 0, truncated: true))
        }
    }

    private func coverage(duplicates: Int, truncated: Bool) -> SearchCoverage {
        SearchCoverage(
            reached: reached.count, known: max(known, reached.count),
            failed: failures.sorted { $0.key < $1.key }.map {
                PeerFailure(url: $0.key, reason: $0.value)
            },
            duplicates: duplicates, truncated: truncated, elapsed: .now - begin)
    }
}

/// The one reader's place in the events.
private actor SearchAnsweringState {
    private var answering: SearchAnswering
    private var events: AsyncStream<QueryEvent>.Iterator

    init(_ answering: SearchAnswering, _ events: AsyncStream<QueryEvent>) {
        self.answering = answering
        self.events = events.makeAsyncIterator()
    }

    func next() async -> SearchEvent? {
        var iterator = events
        defer { events = iterator }
        while let event = await iterator.next(isolation: self) {
            if let seen = answering.take(event) { return seen }
        }
        return nil
    }
}
