import Testing

@testable import Overlay

@Suite struct FleetSearchTests {
    /// Each peer has a file of its own, and those of `holders` one that is looked for.
    static func network(
        _ count: Int, holders: Set<Int>, _ configuration: FleetSearchConfiguration = .init()
    ) -> FleetSearchNetwork {
        FleetSearchNetwork(
            names: (0..<count).map { peer in
                ["own\(peer).txt"] + (holders.contains(peer) ? ["report.pdf"] : [])
            }, configuration: configuration)
    }

    @Test(
        "All holders are found, all others pruned, whoever asks",
        arguments: [1, 2, 20, 33, 34, 35, 100, 700], [0, 13])
    func complete(count: Int, origin: Int) throws {
        let (origin, holders) = (min(origin, count - 1), Set([count - 1, count / 2, count / 3]))
        var network = Self.network(count, holders: holders)
        let coverage = try network.search("report", from: origin)
        #expect(Set(network.hits.compactMap { network.index(of: $0.from) }) == holders)
        #expect(network.hits.count == holders.count)
        #expect(coverage.known == count && !coverage.truncated)
        #expect(coverage.reached + coverage.pruned == count && coverage.failed == 0)
        #expect(coverage.reached == network.searched.reduce(0, +))
        #expect(network.searched.allSatisfy { $0 <= 1 })
        #expect(network.searches.allSatisfy { $0.openCount == 0 })
    }

    @Test("A small fanout makes more levels, and finds the same", arguments: [1, 2, 3, 8])
    func fanout(fanout: Int) throws {
        var network = Self.network(200, holders: [7, 150])
        let coverage = try network.search("report", from: 50, fanout: fanout)
        if fanout > 1 {
            #expect(network.hits.count == 2 && coverage.known == 200 && !coverage.truncated)
        } else {
            // One way only: what was left out is said.
            #expect(coverage.truncated && coverage.known == 200)
        }
    }

    @Test("A budget is kept, and what it left out is said", arguments: [0, 1, 5, 20, 100])
    func budget(budget: Int) throws {
        var network = Self.network(300, holders: Set(0..<300))
        let coverage = try network.search("report", from: 0, budget: budget)
        #expect(network.asks.reduce(0, +) <= budget)
        #expect(coverage.truncated && coverage.known == 300)
        #expect(coverage.reached <= budget + 1)
    }

    @Test("One that is dead is counted as failed; its part is another's")
    func dead() throws {
        var network = Self.network(300, holders: Set(0..<300))
        network.dead = [20, 21, 150, 299]
        let coverage = try network.search("report", from: 0)
        #expect(network.hits.count == 296)
        #expect(coverage.reached == 296 && coverage.failed == 4 && coverage.known == 300)
    }

    @Test("One that is silent is waited for until the deadline, the rest is there before")
    func silent() throws {
        var network = Self.network(100, holders: Set(0..<100))
        network.silent = [17]
        let early = network.begin("report", from: 0)
        #expect(early == nil, "it may yet answer")
        let coverage = try network.wait()
        #expect(network.hits.count == 99 && coverage.truncated)
        #expect(coverage.reached == 99 && coverage.known == 100)
        #expect(network.now <= .zero + .seconds(10))
    }

    @Test("After so many files it stops, and says that there may be more", arguments: [1, 3, 40])
    func limit(limit: Int) throws {
        var network = Self.network(400, holders: Set(0..<400))
        let coverage = try network.search("report", from: 5, limit: limit)
        #expect(network.hits.reduce(0) { $0 + $1.files } >= limit)
        #expect(coverage.truncated && coverage.known == 400)
        #expect(network.cancels > 0, "what was under way is cancelled")
        let accounted = coverage.reached + coverage.pruned + coverage.failed
        #expect(accounted < 400 && coverage.reached <= network.searched.reduce(0, +))
        #expect(network.searches[5].openCount == 0)
    }

    @Test("A limit that is not met changes nothing")
    func limitUnmet() throws {
        var network = Self.network(100, holders: [3, 70])
        let coverage = try network.search("report", from: 5, limit: 3)
        #expect(network.hits.count == 2 && !coverage.truncated && network.cancels == 0)
    }

    @Test("The same question again asks no holder twice, until its catalog has changed")
    func cache() throws {
        var network = Self.network(30, holders: [3, 20])
        let first = try network.search("report", from: 5)
        #expect(first.cached == 0 && network.asks.reduce(0, +) == 2)
        let again = try network.search("report", from: 5)
        #expect(again.cached == 2 && again.reached == 1 && again.known == 30)
        #expect(network.asks.reduce(0, +) == 0 && network.hits.count == 2)
        network.names[20] = ["gone.txt"]
        network.versions[20] = 2
        network.publish(20)
        let changed = try network.search("report", from: 5)
        #expect(changed.cached == 1 && changed.pruned == 28 && network.hits.count == 1)
        // Another one's question is another.
        let other = try network.search("report", from: 6)
        #expect(other.cached == 0)
        let filter = try network.search("repor", from: 5)
        #expect(filter.cached == 0)
    }

    @Test("A kept answer is not used once its state is not known for sure any more")
    func cacheLease() throws {
        var network = Self.network(30, holders: [3])
        _ = try network.search("report", from: 5)
        network.now = .zero + .seconds(16)
        let late = try network.search("report", from: 5)
        #expect(late.cached == 0 && late.reached == 30, "no summary is trusted")
    }

    @Test("Past what may be open a question is refused, and the asker looks elsewhere")
    func busy() throws {
        var configuration = FleetSearchConfiguration()
        configuration.openMax = 0
        var network = Self.network(2, holders: [0, 1], configuration)
        let refused = network.begin("report", from: 0)
        #expect(refused == nil)
    }

    @Test("What comes late, doubled or for nobody changes nothing")
    func late() {
        let network = Self.network(3, holders: [1])
        var search = network.searches[0]
        let store = network.stores[0]
        let branch = FleetSearchNetwork.Search.Branch(job: 9, number: 0)
        let events: [FleetSearchNetwork.Search.Event] = [
            .localAnswered(9, "x", files: 1, catalog: nil), .branchAnswered(branch, []),
            .branchEnded(branch, [], FleetCoverage()), .branchFailed(branch), .ticked,
            .cancelled(9),
        ]
        for event in events {
            let effects = search.handle(
                event, fleet: network.fleet, summaries: store, now: .zero)
            #expect(effects.isEmpty, "\(event)")
        }
    }
}
