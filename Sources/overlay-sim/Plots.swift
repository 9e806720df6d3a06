import ArgumentParser
import FoundationEssentials
import OverlaySimulator

struct Plots: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draw curves (SVG), and print their points.",
        subcommands: [Recall.self, Convergence.self])

    struct Recall: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Recall against messages, of searches and of floods.")

        @Argument(help: "The SVG file to write.")
        var file: String

        @Option(help: "A search scenario.")
        var scenario = "search-1k"

        @Option(help: "Of all chance.")
        var seed: UInt64 = 1

        func run() throws {
            try write(Curves.recall(try Scenario.load(scenario), seed: seed), to: file)
        }
    }

    struct Convergence: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How long a crash and a start take to be known, against the fleet's size.")

        @Argument(help: "The SVG file to write.")
        var file: String

        @Option(help: "A membership scenario whose peers are varied.")
        var scenario = "sizes"

        @Option(parsing: .upToNextOption, help: "Numbers of peers.")
        var sizes = [32, 100, 320, 1000, 3200, 10_000]

        @Option(help: "Of all chance.")
        var seed: UInt64 = 1

        func run() throws {
            try write(
                Curves.convergence(try Scenario.load(scenario), sizes: sizes, seed: seed),
                to: file)
        }
    }

}

private func write(_ plot: Plot, to file: String) throws {
    print(plot.table)
    guard FileManager.default.createFile(atPath: file, contents: Data(plot.svg.utf8)) else {
        throw ValidationError("\(file) cannot be written")
    }
}
