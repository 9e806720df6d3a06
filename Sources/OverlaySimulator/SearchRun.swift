import Overlay

/// One search of a scenario, and the flood that it is compared with.
package struct SearchComparison: Codable, Hashable, Sendable {
    package var name: String
    package var holders: Int
    /// Files that match anywhere.
    package var files: Int
    package var flood: SearchOutcome
    package var search: SearchOutcome
    /// The same once more, when answers are kept; and one that stops after ``limit`` files.
    package var again: SearchOutcome
    package var limited: SearchOutcome

    package static let limit = 10

    /// Files found / files that the flood found.
    package var recall: Double {
        flood.files == 0 ? 1 : Double(search.files) / Double(flood.files)
    }

    /// What does not hold, in words.
    var violations: [String] {
        var faults: [String] = []
        if flood.searchedTwice > 0 {
            faults.append("\(flood.searchedTwice) peers were flooded twice for \"\(name)\"")
        }
        if recall < 0.99, !search.truncated {
            faults.append("\"\(name)\" finds \(search.files) of the flood's \(flood.files)")
        }
        if again.files < search.files {
            faults.append("\"\(name)\" again finds \(again.files) of \(search.files)")
        }
        if limited.files < min(Self.limit, search.files) {
            faults.append("\"\(name)\" stops at \(limited.files) of \(search.files) files")
        }
        for (outcome, kind) in [(search, ""), (again, " again"), (limited, " limited")] {
            faults += violations(outcome, "\"\(name)\"\(kind)")
        }
        return faults
    }

    private func violations(_ outcome: SearchOutcome, _ what: String) -> [String] {
        var faults: [String] = []
        if outcome.searchedTwice > 0 {
            faults.append("\(outcome.searchedTwice) peers searched twice for \(what)")
        }
        let accounted = outcome.reached + outcome.cached + outcome.pruned + outcome.failed
        if outcome.known != accounted, !outcome.truncated {
            faults.append("\(what) accounts for \(accounted) of the \(outcome.known) known")
        }
        if accounted > outcome.known || outcome.known > flood.known {
            faults.append(
                "\(what) accounts for \(accounted), knows \(outcome.known) of \(flood.known)")
        }
        let isExact = !outcome.truncated
        if outcome.reached > outcome.searched || isExact && outcome.reached < outcome.searched {
            faults.append(
                "\(what) says \(outcome.reached) reached, \(outcome.searched) searched")
        }
        return faults
    }
}

/// Runs a scenario's searches, each over a fleet at rest.
struct SearchRun {
    let scenario: Scenario
    private let content: Content
    private let filters: [GramFilter]
    private let graph: Graph
    private var random: SplitMix64
    private(set) var trace = TraceHash()

    init(_ scenario: Scenario, seed: UInt64) {
        self.scenario = scenario
        random = SplitMix64(seed: seed)
        content = Content(peers: scenario.peers, model: scenario.content, &random)
        filters = content.names.map { GramFilter(names: $0) }
        graph = Graph.random(peers: scenario.peers, degree: scenario.neighbours, &random)
    }

    mutating func run() -> [SearchComparison] {
        scenario.searches.map { compare($0) }
    }

    /// What is looked for, and where the search begins.
    struct Sample {
        var text: [UInt8]
        var origin: Int
        var dead: Set<Int>
        var id: QueryID
        var holders: Int
        /// Files that match at any peer that lives.
        var files: Int
        var seed: UInt64
    }

    mutating func sample(_ search: Scenario.Search) -> Sample {
        let share = Double(scenario.peers) * search.holdersPercent / 100
        let text = content.word(heldByNearest: max(1, Int(share.rounded())), &random)
        let origin = random.next(below: scenario.peers)
        let deadCount = Int(Double(scenario.peers) * scenario.deadPercent / 100)
        let others = (0..<scenario.peers).filter { $0 != origin }
        let dead = deadCount > 0 ? Set(random.shuffle(others).prefix(deadCount)) : []
        let holders = content.holders(of: text).filter { !dead.contains($0) }
        return Sample(
            text: text, origin: origin, dead: dead,
            id: QueryID(high: random.next(), low: random.next()), holders: holders.count,
            files: holders.reduce(0) { $0 + content.matches(text, at: $1) }, seed: random.next())
    }

    mutating func flood(_ sample: Sample, ttl: Int) -> SearchOutcome {
        var flood = FloodSimulation(
            graph: graph, content: content, network: scenario.network, ttl: ttl,
            dead: sample.dead, seed: sample.seed)
        let outcome = flood.search(sample.text, from: sample.origin, id: sample.id)
        trace.mix("\(flood.trace)")
        return outcome
    }

    mutating func search(_ sample: Sample, budget: Int) -> SearchOutcome {
        var fleet = fleet(sample)
        return fleet.search(sample.text, from: sample.origin, id: sample.id, budget: budget)
    }

    private func fleet(_ sample: Sample) -> FleetSearchSimulation {
        FleetSearchSimulation(
            content: content, filters: filters, network: scenario.network,
            dead: sample.dead, bug: scenario.plantedBug, seed: ~sample.seed)
    }

    private mutating func compare(_ search: Scenario.Search) -> SearchComparison {
        let sample = sample(search)
        let (text, origin, budget) = (sample.text, sample.origin, scenario.budget)
        let flooded = flood(sample, ttl: scenario.ttl)
        var fleet = fleet(sample)
        var fresh = fleet
        let found = fleet.search(text, from: origin, id: sample.id, budget: budget)
        let next = QueryID(high: random.next(), low: random.next())
        let again = fleet.search(text, from: origin, id: next, budget: budget)
        trace.mix("\(fleet.trace)")
        let limited = fresh.search(
            text, from: origin, id: sample.id, budget: budget, limit: SearchComparison.limit)
        trace.mix("\(fresh.trace)")
        return SearchComparison(
            name: search.name, holders: sample.holders, files: sample.files, flood: flooded,
            search: found, again: again, limited: limited)
    }
}
