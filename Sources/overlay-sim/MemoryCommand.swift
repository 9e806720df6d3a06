import ArgumentParser
import OverlaySimulator

struct MemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "Measure what knowing so many members costs one peer, in bytes that are resident."
    )

    @Option(help: "Members, each heard of by gossip.")
    var members = 10_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let cost = try MemoryCost.measure(members: members)
        let mebibytes = Double(cost.bytes) / 1_048_576
        print(
            json
                ? "{\"members\":\(cost.members),\"bytes\":\(cost.bytes)}"
                : "\(cost.members) members: \((mebibytes * 100).rounded() / 100) MiB")
    }
}
