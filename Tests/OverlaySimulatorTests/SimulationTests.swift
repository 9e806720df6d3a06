import Overlay
import Testing

@testable import OverlaySimulator

@Suite struct SimulationTests {
    static func scenario(peers: Int) throws -> Scenario {
        var scenario = try Scenario.load("search-1k")
        scenario.peers = peers
        return scenario
    }

    @Test("Every scenario of the source tree loads under its name")
    func scenarios() throws {
        let names = try Scenario.names()
        #expect(names.contains("search-1k") && names.contains("search-10k"))
        for name in names {
            #expect(try Scenario.load(name).name == name)
        }
    }

    @Test("A scenario that is not there is named, beside those that are")
    func notFound() {
        do {
            _ = try Scenario.load("no-such")
            Issue.record("it was found")
        } catch {
            #expect("\(error)".contains("\"no-such\"") && "\(error)".contains("search-1k"))
        }
    }

    @Test(
        "The same seed gives the same trace, another seed another", arguments: [1, 2] as [UInt64])
    func deterministic(seed: UInt64) throws {
        let scenario = try Self.scenario(peers: 60)
        let report = Simulator.run(scenario, seed: seed)
        #expect(report.trace == Simulator.run(scenario, seed: seed).trace)
        #expect(report.trace != Simulator.run(scenario, seed: seed + 1).trace)
    }

    @Test("A flood over a connected graph finds every file, and nobody searches twice")
    func flood() throws {
        let report = Simulator.run(try Self.scenario(peers: 100), seed: 3)
        #expect(report.searches.count == 3)
        #expect(report.violations == [])
        for search in report.searches {
            #expect(search.flood.files == search.files, "\(search.name), seed 3")
            #expect(search.flood.searched == 100)
            #expect(search.flood.searchedTwice == 0)
            #expect(search.recall == 1)
            #expect(search.search.known == 100 && !search.search.truncated)
            #expect(search.search.messages < search.flood.messages / 5)
            #expect(search.holders > 0)
        }
    }
}

@Suite struct EventQueueTests {
    @Test("Events come in order of time, and of insertion where times are equal")
    func order() {
        var queue = EventQueue<String>()
        queue.insert("c", at: .zero + .seconds(2))
        queue.insert("a", at: .zero + .seconds(1))
        queue.insert("b", at: .zero + .seconds(1))
        #expect([queue.pop(), queue.pop(), queue.pop(), queue.pop()] == ["a", "b", "c", nil])
        #expect(queue.now == .zero + .seconds(2))
    }
}

@Suite struct GraphTests {
    @Test("Nobody has more links than asked for, links are mutual, all are within reach")
    func random() {
        var random = SplitMix64(seed: 7)
        let graph = Graph.random(peers: 500, degree: 7, &random)
        for (peer, neighbours) in graph.neighbours.enumerated() {
            #expect((2...7).contains(neighbours.count))
            #expect(Set(neighbours).count == neighbours.count && !neighbours.contains(peer))
            for neighbour in neighbours {
                #expect(graph.neighbours[neighbour].contains(peer))
            }
        }
        let hops = graph.hops(from: 0).compactMap(\.self)
        #expect(hops.count == 500)
        #expect((hops.max() ?? 0) <= 7)
    }
}
