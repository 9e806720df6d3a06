@testable import Overlay

/// Peers that search each other over messages that arrive in order, one at a time; no time passes but in ``wait()``.
struct FleetSearchNetwork {
    typealias Search = FleetSearch<String>

    private struct Asked {
        let by: Int
        let branch: Search.Branch
    }

    private enum Delivery {
        case ask(Search.Branch, FleetQuery, Arc, by: Int)
        case event(Search.Event)
    }

    let records: [SwimRecord]
    let fleet: MemberTable
    var names: [[String]]
    var versions: [UInt64]
    var dead: Set<Int> = []
    /// Those that take a question and never answer.
    var silent: Set<Int> = []
    var now = Instant.zero
    private(set) var searches: [Search]
    private(set) var stores: [SummaryStore]
    /// How often each peer was asked, and searched its catalog, for the last query.
    private(set) var asks: [Int] = []
    private(set) var searched: [Int] = []
    private(set) var cancels = 0
    private var askers: [Int: [Search.Job: Asked]] = [:]
    private var queue: [(to: Int, Delivery)] = []
    private var jobs: Search.Job = 0
    private var queries: UInt64 = 0
    private(set) var hits: [Search.Hit] = []
    private var coverage: FleetCoverage?

    init(
        names: [[String]], configuration: FleetSearchConfiguration = FleetSearchConfiguration()
    ) {
        records = names.indices.map { index in
            SwimRecord(
                id: PeerID(UInt64(index + 1) << 48, 0, 0, 0), address: "p\(index)",
                incarnation: Incarnation(boot: 1))
        }
        fleet = MemberTable(records)
        self.names = names
        versions = names.map { _ in 1 }
        searches = records.map {
            Search(own: $0.id, configuration: configuration, seed: $0.id.first)
        }
        stores = names.map { _ in SummaryStore() }
        for index in names.indices { publish(index) }
    }

    /// Tells the peer's summary to those that are near it.
    mutating func publish(_ index: Int) {
        let filter = GramFilter(names: names[index].map { Array($0.utf8) })
        for holder in fleet.near(records[index].id, reach: 16) {
            guard let place = self.index(of: holder.id) else { continue }
            _ = stores[place].receive(
                .whole(boot: 1, version: versions[index], filter), from: records[index].id,
                now: now)
        }
    }

    func index(of id: PeerID) -> Int? { records.firstIndex { $0.id == id } }

    struct NotOver: Error {}

    /// The same, of a search that nobody keeps waiting.
    mutating func search(
        _ text: String, from origin: Int, limit: Int? = nil, fanout: Int = .max,
        budget: Int = 100_000
    ) throws -> FleetCoverage {
        let coverage = begin(text, from: origin, limit: limit, fanout: fanout, budget: budget)
        guard let coverage else { throw NotOver() }
        return coverage
    }

    /// nil where it is not over: somebody is silent, and time has to pass.
    mutating func begin(
        _ text: String, from origin: Int, limit: Int? = nil, fanout: Int = .max,
        budget: Int = 100_000
    ) -> FleetCoverage? {
        asks = records.map { _ in 0 }
        searched = asks
        (cancels, hits, coverage) = (0, [], nil)
        jobs += 1
        queries += 1
        let query = FleetQuery(
            id: QueryID(high: 1, low: queries), filter: FileFilter(text: Array(text.utf8)),
            limit: limit, fanout: fanout, ttl: 16, budget: budget,
            deadline: now + .seconds(10), origin: records[origin].id)
        tell(.asked(jobs, query, .everybody), to: origin)
        drain()
        return coverage
    }

    /// Lets time pass until nobody waits for it any more.
    mutating func wait() throws -> FleetCoverage {
        while let wake = searches.compactMap(\.nextWake).min() {
            now = max(now, wake)
            for index in searches.indices { tell(.ticked, to: index) }
            drain()
        }
        guard let coverage else { throw NotOver() }
        return coverage
    }

    private mutating func drain() {
        while !queue.isEmpty {
            let (index, delivery) = queue.removeFirst()
            switch delivery {
            case .event(let event): tell(event, to: index)
            case .ask(let branch, let query, let arc, let asker):
                asks[index] += 1
                if dead.contains(index) {
                    queue.append((asker, .event(.branchFailed(branch))))
                } else if !silent.contains(index) {
                    jobs += 1
                    askers[index, default: [:]][jobs] = Asked(by: asker, branch: branch)
                    tell(.asked(jobs, query, arc), to: index)
                }
            }
        }
    }

    private mutating func tell(_ event: Search.Event, to index: Int) {
        let effects = searches[index].handle(
            event, fleet: fleet, summaries: stores[index], now: now)
        for effect in effects { perform(effect, at: index) }
    }

    private mutating func perform(_ effect: Search.Effect, at index: Int) {
        switch effect {
        case .searchHere(let job, let query):
            searched[index] += 1
            let found = names[index].filter { Array($0.utf8).contains(part: query.filter.text) }
            let answered = Search.Event.localAnswered(
                job, found.isEmpty ? nil : found.joined(separator: ","), files: found.count,
                catalog: CatalogVersion(boot: 1, version: versions[index]))
            queue.append((index, .event(answered)))
        case .ask(let branch, let member, let query, let arc):
            guard let target = self.index(of: member.id) else { return }
            queue.append((target, .ask(branch, query, arc, by: index)))
        case .emit(let job, let hits):
            answer(job, at: index, hits) { .branchAnswered($0, hits) }
        case .finished(let job, let hits, let coverage):
            answer(job, at: index, hits) { .branchEnded($0, hits, coverage) }
            if askers[index]?.removeValue(forKey: job) == nil { self.coverage = coverage }
        case .refused(let job):
            answer(job, at: index, []) { .branchFailed($0) }
        case .cancel:
            cancels += 1
        case .unreachable:
            break
        }
    }

    /// To whoever asked; what was asked here is kept.
    private mutating func answer(
        _ job: Search.Job, at index: Int, _ hits: [Search.Hit],
        _ event: (Search.Branch) -> Search.Event
    ) {
        if let asked = askers[index]?[job] {
            queue.append((asked.by, .event(event(asked.branch))))
        } else {
            self.hits += hits
        }
    }
}
