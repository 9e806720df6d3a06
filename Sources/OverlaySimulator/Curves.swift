import Overlay

/// The pictures of the issue: recall against messages, and convergence against the fleet's size.
package enum Curves {
    /// Of a search scenario: what floods of one hop, two hops, ... find, and what searches with larger and
    /// larger budgets do.
    package static func recall(_ scenario: Scenario, seed: UInt64) -> Plot {
        var series: [Plot.Series] = []
        for search in scenario.searches where search.holdersPercent > 0 {
            series += recall(search, scenario, seed: seed)
        }
        return Plot(
            title: "Recall against messages, \(scenario.peers) peers, seed \(seed)",
            xLabel: "messages", yLabel: "files found / files that match", series: series,
            yMax: 1)
    }

    private static func recall(
        _ search: Scenario.Search, _ scenario: Scenario, seed: UInt64
    ) -> [Plot.Series] {
        var run = SearchRun(scenario, seed: seed)
        let sample = run.sample(search)
        let floods = (1...8).map { run.flood(sample, ttl: $0) }
        let budgets = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000]
        let searches = budgets.map { run.search(sample, budget: $0) }
        func points(_ outcomes: [SearchOutcome]) -> [(x: Double, y: Double)] {
            var points: [(x: Double, y: Double)] = []
            for outcome in outcomes where points.last?.x != Double(outcome.messages) {
                let share = Double(outcome.files) / Double(max(1, sample.files))
                points.append((Double(outcome.messages), share))
            }
            return points
        }
        return [
            Plot.Series(name: "\(search.name), search", points: points(searches)),
            Plot.Series(name: "\(search.name), flood", points: points(floods)),
        ]
    }

    /// Of a membership scenario with one kind of fault: how long a crash, and a start, take to be known
    /// by fleets of these sizes.
    package static func convergence(
        _ scenario: Scenario, sizes: [Int], seed: UInt64
    ) -> Plot {
        var (crashes, starts): ([(x: Double, y: Double)], [(x: Double, y: Double)]) = ([], [])
        for size in sizes {
            var sized = scenario
            sized.peers = size
            guard let outcome = Simulator.run(sized, seed: seed).fleet else { continue }
            if let last = outcome.crashKnownSeconds.last { crashes.append((Double(size), last)) }
            if let last = outcome.joinKnownSeconds.last { starts.append((Double(size), last)) }
        }
        return Plot(
            title: "Until all know it, seed \(seed)", xLabel: "peers", yLabel: "seconds",
            series: [
                Plot.Series(name: "a crash, by all", points: crashes),
                Plot.Series(name: "a start, by 99.9 %", points: starts),
            ], yMax: 25)
    }
}
