import Overlay

/// Runs one search over ``FleetSearch`` at every peer of a fleet at rest.
///
/// Everybody knows everybody, and the summaries of those that are near on the ring. Links are streams:
/// nothing is lost or overtaken, a lost segment is late.
struct FleetSearchSimulation {
    typealias Search = FleetSearch<Int>

    private enum Event {
        case asked(Search.Branch, FleetQuery, Arc, by: Int)
        case cancelled(Question)
        case told(Search.Event)
        case wake
    }

    private struct Question: Hashable {
        var peer: Int
        var branch: Search.Branch
    }

    private let content: Content
    private let fleet: MemberTable
    private let ids: [PeerID]
    private var indexByID: [PeerID: Int] = [:]
    private let summaries: [SummaryStore]
    private var searches: [Search]
    private var askers: [Search.Job: Question] = [:]
    /// The job of a question, by who asked it.
    private var jobOf: [Question: Search.Job] = [:]
    private var targetOf: [Question: Int] = [:]
    private var jobs: Search.Job = 0
    private var began = Instant.zero
    private var searchCounts: [Int]
    private let isDead: [Bool]
    private var wakes: [Instant?]
    private var queue = EventQueue<(peer: Int, event: Event)>()
    private var links: Links
    private var lastArrival: [UInt64: Instant] = [:]
    private var outcome = SearchOutcome()
    private(set) var trace = TraceHash()

    /// - Parameter filters: By peer.
    init(
        content: Content, filters: [GramFilter], network: NetworkModel, dead: Set<Int> = [],
        bug: SwimConfiguration.PlantedBug?, seed: UInt64
    ) {
        var random = SplitMix64(seed: seed)
        links = Links(network, seed: random.next())
        self.content = content
        ids = filters.map { _ in
            PeerID(random.next(), random.next(), random.next(), random.next())
        }
        for (index, id) in ids.enumerated() { indexByID[id] = index }
        let records = ids.enumerated().map { index, id in
            SwimRecord(id: id, address: "p\(index)", incarnation: Incarnation(boot: 1))
        }
        fleet = MemberTable(records)
        var configuration = FleetSearchConfiguration()
        configuration.plant(bug)
        searches = ids.map { id in
            Search(own: id, configuration: configuration, seed: random.next())
        }
        summaries = Self.spread(filters, ids, indexByID, reach: configuration.partMax / 2)
        searchCounts = Array(repeating: 0, count: ids.count)
        wakes = Array(repeating: nil, count: ids.count)
        isDead = ids.indices.map(dead.contains)
    }

    /// Everybody's summary at the `reach` next on the ring, both ways.
    private static func spread(
        _ filters: [GramFilter], _ ids: [PeerID], _ indexByID: [PeerID: Int], reach: Int
    ) -> [SummaryStore] {
        let ring = ids.sorted().compactMap { indexByID[$0] }
        var stores = Array(repeating: SummaryStore(), count: ids.count)
        for (place, holder) in ring.enumerated() {
            for step in -reach...reach where step % ring.count != 0 {
                let peer = ring[(place + step + reach * ring.count) % ring.count]
                _ = stores[holder].receive(
                    .whole(boot: 1, version: 1, filters[peer]), from: ids[peer], now: .zero)
            }
        }
        return stores
    }

    /// Runs a query that begins at `origin` to its end.
    ///
    /// - Parameter limit: Files after which it stops.
    mutating func search(
        _ text: [UInt8], from origin: Int, id: QueryID, budget: Int, limit: Int? = nil
    ) -> SearchOutcome {
        let query = FleetQuery(
            id: id, filter: FileFilter(text: text), limit: limit, fanout: .max, ttl: 16,
            budget: budget, deadline: queue.now + .seconds(10), origin: ids[origin])
        began = queue.now
        outcome = SearchOutcome()
        for peer in searchCounts.indices { searchCounts[peer] = 0 }
        jobs += 1
        tell(.asked(jobs, query, .everybody), to: origin)
        while let (peer, event) = queue.pop() { step(event, at: peer) }
        outcome.searched = searchCounts.count { $0 > 0 }
        outcome.searchedTwice = searchCounts.count { $0 > 1 }
        outcome.messages =
            outcome.asks + outcome.answers + outcome.ends + outcome.cancels
        return outcome
    }

    private mutating func step(_ event: Event, at peer: Int) {
        trace.mix(queue.now)
        trace.mix(peer)
        switch event {
        case .asked(let branch, let query, let arc, let asker):
            guard !isDead[peer] else {
                send(.told(.branchFailed(branch)), from: peer, to: asker)
                return
            }
            jobs += 1
            askers[jobs] = Question(peer: asker, branch: branch)
            jobOf[Question(peer: asker, branch: branch)] = jobs
            tell(.asked(jobs, query, arc), to: peer)
        case .cancelled(let question):
            guard let job = jobOf.removeValue(forKey: question) else { return }
            askers[job] = nil
            tell(.cancelled(job), to: peer)
        case .told(let event):
            tell(event, to: peer)
        case .wake:
            guard wakes[peer] == queue.now else { return }
            wakes[peer] = nil
            tell(.ticked, to: peer)
        }
    }

    private mutating func tell(_ event: Search.Event, to peer: Int) {
        let effects = searches[peer].handle(
            event, fleet: fleet, summaries: summaries[peer], now: queue.now)
        for effect in effects { perform(effect, at: peer) }
        guard let wake = searches[peer].nextWake else { return }
        let at = max(wake, queue.now)
        if wakes[peer].map({ at < $0 }) ?? true {
            wakes[peer] = at
            queue.insert((peer, .wake), at: at)
        }
    }

    private mutating func send(_ event: Event, from: Int, to: Int) {
        let link = UInt64(from) << 32 | UInt64(to)
        let at = max(
            queue.now + links.stream(from: from, to: to), lastArrival[link] ?? .zero)
        lastArrival[link] = at
        queue.insert((to, event), at: at)
    }

    private mutating func perform(_ effect: Search.Effect, at peer: Int) {
        switch effect {
        case .searchHere(let job, let query):
            searchCounts[peer] += 1
            let files = content.matches(query.filter.text, at: peer)
            let answered = Search.Event.localAnswered(
                job, files > 0 ? files : nil, files: files,
                catalog: CatalogVersion(boot: 1, version: 1))
            queue.insert((peer, .told(answered)), at: queue.now)
        case .ask(let branch, let member, let query, let arc):
            outcome.asks += 1
            guard let target = indexByID[member.id] else { return }
            targetOf[Question(peer: peer, branch: branch)] = target
            send(.asked(branch, query, arc, by: peer), from: peer, to: target)
        case .emit(let job, let hits):
            if let asker = askers[job] {
                outcome.answers += 1
                send(.told(.branchAnswered(asker.branch, hits)), from: peer, to: asker.peer)
            } else {
                receive(hits, at: peer)
            }
        case .finished(let job, let hits, let coverage):
            if let asker = askers.removeValue(forKey: job) {
                jobOf[asker] = nil
                outcome.ends += 1
                let end = Search.Event.branchEnded(asker.branch, hits, coverage)
                send(.told(end), from: peer, to: asker.peer)
            } else {
                receive(hits, at: peer)
                finish(coverage)
            }
        case .refused(let job):
            guard let asker = askers.removeValue(forKey: job) else { return }
            jobOf[asker] = nil
            outcome.ends += 1
            send(.told(.branchFailed(asker.branch)), from: peer, to: asker.peer)
        case .cancel(let branch):
            let question = Question(peer: peer, branch: branch)
            guard let target = targetOf[question] else { return }
            outcome.cancels += 1
            send(.cancelled(question), from: peer, to: target)
        case .unreachable:
            break
        }
    }

    private mutating func receive(_ hits: [Search.Hit], at origin: Int) {
        for hit in hits {
            outcome.files += hit.answer
            if hit.from != ids[origin], outcome.firstHitMilliseconds == nil {
                outcome.firstHitMilliseconds = (queue.now - began).inSeconds * 1000
            }
        }
    }

    private mutating func finish(_ coverage: FleetCoverage) {
        outcome.reached = coverage.reached
        outcome.known = coverage.known
        outcome.cached = coverage.cached
        outcome.pruned = coverage.pruned
        outcome.failed = coverage.failed
        outcome.duplicates = coverage.duplicates
        outcome.truncated = coverage.truncated
        outcome.completeMilliseconds = (queue.now - began).inSeconds * 1000
    }
}
