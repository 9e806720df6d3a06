import Testing

@testable import Overlay

@Suite struct RouterNetworkTests {
    static func mesh(_ peers: Int) -> [(Int, Int)] {
        (0..<peers).flatMap { one in (one + 1..<peers).map { (one, $0) } }
    }

    static func ring(_ peers: Int) -> [(Int, Int)] { (0..<peers).map { ($0, ($0 + 1) % peers) } }

    static func star(_ peers: Int) -> [(Int, Int)] { (1..<peers).map { (0, $0) } }

    /// A ring, so that it is connected, and as many links by chance again.
    static func random(_ peers: Int, seed: UInt64) -> [(Int, Int)] {
        var random = SplitMix64(seed: seed)
        let chance = (0..<peers).map { _ in (random.next(below: peers), random.next(below: peers)) }
        var known: Set<[Int]> = []
        return (ring(peers) + chance).filter { one, other in
            one != other && known.insert([min(one, other), max(one, other)]).inserted
        }
    }

    /// Peers by hops from peer 0, through living peers only.
    static func within(_ hops: Int, peers: Int, edges: [(Int, Int)], dead: Set<Int> = [])
        -> Set<PeerURL>
    {
        var reached: Set<Int> = [0]
        let links = edges.flatMap { [$0, ($0.1, $0.0)] }
        for _ in 0..<hops {
            let next = links.filter { reached.contains($0.0) && !dead.contains($0.1) }.map(\.1)
            reached.formUnion(next)
        }
        return Set(reached.map(RouterNetwork.url))
    }

    @Test(
        "Everyone within the TTL is reached exactly once where delays are even",
        arguments: [
            ("mesh of 4", 4, mesh(4)), ("ring of 9", 9, ring(9)), ("star of 6", 6, star(6)),
            ("cycle of 3", 3, ring(3)), ("alone", 1, []),
        ], 0...5)
    func reach(graph: (name: String, peers: Int, edges: [(Int, Int)]), ttl: Int) {
        var network = RouterNetwork(peers: graph.peers, edges: graph.edges, seed: 1)
        let outcome = network.search(fanout: 100, ttl: ttl)
        let expected = Self.within(ttl, peers: graph.peers, edges: graph.edges)
        #expect(outcome.answers.first == RouterNetwork.url(0), "own answer first")
        #expect(outcome.answers.sorted() == expected.sorted(), "\(graph.name), TTL \(ttl)")
        #expect(outcome.searches.values.allSatisfy { $0 == 1 })
        #expect(outcome.coverage.count == 1)
        #expect(outcome.coverage.first?.reached == expected.count)
        #expect(outcome.failures.isEmpty)
    }

    @Test("Fanout 1 and TTL 1 reach one neighbour; fanout 3 and TTL 3 all four of a mesh")
    func fanout() {
        var network = RouterNetwork(peers: 4, edges: Self.mesh(4), seed: 1)
        #expect(network.search(fanout: 1, ttl: 1).answers.count == 2)
        network = RouterNetwork(peers: 4, edges: Self.mesh(4), fanoutMax: 3, seed: 1)
        #expect(network.search(fanout: 3, ttl: 3).answers.count == 4)
    }

    @Test("A mesh is asked once each: who was asked already is named, so nobody is asked again")
    func cheapMesh() {
        var network = RouterNetwork(peers: 4, edges: Self.mesh(4), seed: 1)
        let outcome = network.search(fanout: 3, ttl: 3)
        #expect(outcome.messages == 3 * 3, "a question, an answer and an end each")
        #expect(outcome.coverage.first?.duplicates == 0)
    }

    @Test(
        "Fifty peers by chance: all within the TTL, each once", arguments: 0..<40 as Range<UInt64>)
    func fifty(seed: UInt64) {
        let edges = Self.random(50, seed: seed)
        for ttl in [1, 3, 16] {
            var network = RouterNetwork(peers: 50, edges: edges, seed: seed)
            let outcome = network.search(fanout: 100, ttl: ttl)
            let expected = Self.within(ttl, peers: 50, edges: edges)
            #expect(outcome.answers.sorted() == expected.sorted(), "seed \(seed), TTL \(ttl)")
            #expect(outcome.searches.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        }
    }

    @Test(
        "Dead peers are reported once each, uneven delays multiply nothing",
        arguments: 0..<40 as Range<UInt64>)
    func deadAndJitter(seed: UInt64) {
        let edges = Self.random(50, seed: seed)
        let dead: Set<Int> = [7, 19, 33]
        var network = RouterNetwork(
            peers: 50, edges: edges, dead: dead, jitter: .milliseconds(30), seed: seed)
        let outcome = network.search(fanout: 100, ttl: 16)
        let living = Self.within(50, peers: 50, edges: edges, dead: dead)
        #expect(Set(outcome.answers).isSubset(of: living), "seed \(seed)")
        #expect(Set(outcome.answers).count == outcome.answers.count, "seed \(seed)")
        #expect(Set(outcome.failures).count == outcome.failures.count, "seed \(seed)")
        #expect(Set(outcome.failures).isSubset(of: dead.map(RouterNetwork.url)), "seed \(seed)")
        #expect(outcome.searches.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        #expect(outcome.coverage.first?.failed == outcome.failures.count, "seed \(seed)")
        // Fifty peers are at most 12 hops apart here, so even a long way leaves hops to spare.
        #expect(outcome.answers.count == living.count, "seed \(seed)")
    }

    @Test("One dead peer of a mesh is reported failed once, and the others answer")
    func oneDead() {
        var network = RouterNetwork(peers: 4, edges: Self.mesh(4), dead: [2], seed: 1)
        let outcome = network.search(fanout: 3, ttl: 3)
        #expect(outcome.failures == [RouterNetwork.url(2)])
        #expect(outcome.answers.count == 3)
        #expect(outcome.coverage.first?.failed == 1)
    }

    @Test("The same seed gives the same run")
    func deterministic() {
        func run() -> [PeerURL] {
            var network = RouterNetwork(
                peers: 50, edges: Self.random(50, seed: 5), jitter: .milliseconds(30), seed: 5)
            return network.search(fanout: 3, ttl: 4).answers
        }
        #expect(run() == run())
    }
}
