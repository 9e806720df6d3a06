import Overlay

/// Runs scenarios.
package enum Simulator {
    package static func run(_ scenario: Scenario, seed: UInt64) -> Report {
        switch scenario.kind {
        case .search: search(scenario, seed: seed)
        case .membership: membership(scenario, seed: seed)
        }
    }

    private static func search(_ scenario: Scenario, seed: UInt64) -> Report {
        var run = SearchRun(scenario, seed: seed)
        let searches = run.run()
        let flood = searches.reduce(0) { $0 + $1.flood.messages }
        return Report(
            scenario: scenario.name, seed: seed, peers: scenario.peers,
            trace: run.trace.description, recall: searches.map(\.recall).min(),
            messages: searches.reduce(0) { $0 + $1.search.messages }, floodMessages: flood,
            searches: searches, violations: searches.flatMap(\.violations))
    }

    private static func membership(_ scenario: Scenario, seed: UInt64) -> Report {
        var configuration = SwimConfiguration()
        configuration.plant(scenario.plantedBug)
        // Who is simulated is to know everybody, with room for those that join.
        configuration.membersMax = max(configuration.membersMax, scenario.peers * 2)
        var run = FleetSimulation(scenario, configuration: configuration, seed: seed)
        run.run()
        return Report(
            scenario: scenario.name, seed: seed, peers: scenario.peers,
            trace: run.trace.description, messages: run.outcome.messages, fleet: run.outcome,
            violations: run.violations)
    }
}
