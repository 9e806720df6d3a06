import ArgumentParser
import OverlaySimulator

/// `overlay-sim`: the fleet's own code over a network that does not exist.
@main
struct OverlaySim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overlay-sim",
        abstract: "Simulates a fleet of peers: seeded, in virtual time, with faults.",
        subcommands: [Run.self, Check.self, List.self, Plots.self, MemoryCommand.self])
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a scenario.",
        discussion: """
            Exit code 0: every invariant held; 1: one did not, and the output says which.
            """)

    @Argument(help: "A name from `overlay-sim list`, or a JSON file.")
    var scenario: String

    @Option(help: "Of all chance; the same seed gives the same trace.")
    var seed: UInt64 = 1

    @Option(help: "Another number of peers than the scenario's.")
    var peers: Int?

    @Flag(help: "Print one JSON object as the last line.")
    var json = false

    func run() throws {
        var scenario = try Scenario.load(scenario)
        if let peers { scenario.peers = max(2, peers) }
        let report = Simulator.run(scenario, seed: seed)
        print(json ? try report.json() : report.table)
        if !report.violations.isEmpty { throw ExitCode(1) }
    }
}

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the scenarios.")

    func run() throws {
        for name in try Scenario.names() {
            print("\(name): \(try Scenario.load(name).about)")
        }
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run scenarios with many seeds, and name each seed that breaks an invariant.")

    @Argument(help: "Names or files; all of the source tree but the large where none is given.")
    var scenarios: [String] = []

    @Option(help: "How many seeds for each scenario.")
    var seeds: UInt64 = 10

    @Option(help: "The first of them.")
    var first: UInt64 = 1

    func run() throws {
        var broken = 0
        for name in scenarios.isEmpty ? try Scenario.names() : scenarios {
            let scenario = try Scenario.load(name)
            if scenarios.isEmpty, scenario.isLarge {
                print("\(name): left out, it is large; name it to run it")
                continue
            }
            let failed = (first..<first + seeds).filter { seed in
                let violations = Simulator.run(scenario, seed: seed).violations
                for violation in violations { print("\(name), seed \(seed): \(violation)") }
                return !violations.isEmpty
            }
            broken += failed.count
            print("\(name): seeds \(first)...\(first + seeds - 1), \(failed.count) broken")
        }
        if broken > 0 { throw ExitCode(1) }
    }
}
