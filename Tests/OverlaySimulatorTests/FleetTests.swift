import Overlay
import Testing

@testable import OverlaySimulator

/// Few seeds each time; `make test-overlay` runs many.
@Suite struct FleetTests {
    static func run(
        _ name: String, seed: UInt64, bug: SwimConfiguration.PlantedBug? = nil
    ) throws -> Report {
        var scenario = try Scenario.load(name)
        scenario.plantedBug = bug
        return Simulator.run(scenario, seed: seed)
    }

    @Test(
        "What is expected of a fleet holds",
        arguments: ["cold-start-100", "crash-32", "partition-40"], [1, 2] as [UInt64])
    func expectations(name: String, seed: UInt64) throws {
        #expect(try Self.run(name, seed: seed).violations == [], "\(name), seed \(seed)")
    }

    @Test("The same seed gives the same trace of a fleet under faults")
    func deterministic() throws {
        let one = try Self.run("partition-40", seed: 5).trace
        #expect(try Self.run("partition-40", seed: 5).trace == one)
    }

    @Test(
        "A planted bug is found, and the seed that found it is said",
        arguments: [
            ("loss-bug-16", SwimConfiguration.PlantedBug.forgetsToRefute),
            ("loss-bug-16", .dropsIncarnationCheck),
            ("search-lossy-300", .answersTwice),
        ])
    func planted(name: String, bug: SwimConfiguration.PlantedBug) throws {
        let seeds: [UInt64] = [1, 2, 3]
        let sound = try seeds.filter { !(try Self.run(name, seed: $0).violations.isEmpty) }
        #expect(sound == [], "without the bug nothing is found")
        let found = try seeds.first { seed in
            try !Self.run(name, seed: seed, bug: bug).violations.isEmpty
        }
        #expect(found != nil, "\(bug) was not found by \(name), seeds 1 to 3")
        print("\(bug) is found by \(name), seed \(found.map(String.init) ?? "-")")
    }
}
