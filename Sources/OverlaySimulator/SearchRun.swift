import Overlay

/// One search of a scenario, and the flood that it is compared with.
package struct SearchComparison: Codable, Hashable, Sendable {
    package var name: String
    package var holders: Int
    /// Files that match anywhere.
    package var files: Int
    package var flood: SearchOutcome
    package var search: SearchOutcome

    /// Files found / files that the flood found.
    package var recall: Double {
        flood.files == 0 ? 1 : Double(search.files) / Double(flood.files)
    }

    /// What does not hold, in words.
    var violations: [String] {
        var faults: [String] = []
        if search.searchedTwice > 0 || flood.searchedTwice > 0 {
            faults.append("\(search.searchedTwice) peers searched twice for \"\(name)\"")
        }
        if search.known != search.reached + search.pruned + search.failed, !search.truncated {
            faults.append("\"\(name)\" accounts for others than the \(search.known) known")
        }
        if search.known > flood.known {
            faults.append("\"\(name)\" knows \(search.known) of \(flood.known) peers")
        }
        if search.reached != search.searched {
            faults.append(
                "\"\(name)\" says \(search.reached) reached, \(search.searched) searched")
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

    private mutating func compare(_ search: Scenario.Search) -> SearchComparison {
        let share = Double(scenario.peers) * search.holdersPercent / 100
        let text = content.word(heldByNearest: max(1, Int(share.rounded())), &random)
        let origin = random.next(below: scenario.peers)
        let id = QueryID(high: random.next(), low: random.next())
        var flood = FloodSimulation(
            graph: graph, content: content, network: scenario.network, ttl: scenario.ttl,
            seed: random.next())
        let flooded = flood.search(text, from: origin, id: id)
        trace.mix("\(flood.trace)")
        var fleet = FleetSearchSimulation(
            content: content, filters: filters, network: scenario.network,
            bug: scenario.plantedBug, seed: random.next())
        let found = fleet.search(text, from: origin, id: id, budget: scenario.budget)
        trace.mix("\(fleet.trace)")
        let holders = content.holders(of: text)
        return SearchComparison(
            name: search.name, holders: holders.count,
            files: holders.reduce(0) { $0 + content.matches(text, at: $1) }, flood: flooded,
            search: found)
    }
}
