import Testing

@testable import Overlay

/// Forty peers on a ring, one of which tells its summary to those near it, over messages that may be lost.
private struct Neighbourhood {
    static let boot: UInt64 = 3
    var fleet: MemberTable
    var source: SummarySource
    var stores: [PeerID: SummaryStore] = [:]
    var now = Instant.zero
    var random: SplitMix64
    var loss = 0.0
    /// A loss that the sender does not notice.
    var silent = false
    /// Those that nothing reaches, and how often they were tried.
    var dead: Set<PeerID> = []
    var tries = 0

    static func record(_ number: UInt64) -> SwimRecord {
        SwimRecord(
            id: PeerID(number << 56, 0, 0, number), address: "p\(number)",
            incarnation: Incarnation(boot: boot))
    }

    init(seed: UInt64, names: [String] = ["old.txt"]) {
        let records = (1...40).map { Self.record($0) }
        fleet = MemberTable(records)
        for record in records { stores[record.id] = SummaryStore() }
        source = SummarySource(
            own: records[0].id, boot: Self.boot,
            filter: GramFilter(names: names.map { Array($0.utf8) }), version: 1)
        random = SplitMix64(seed: seed)
    }

    mutating func tell(_ event: SummarySource.Event) {
        var events = [event]
        while !events.isEmpty {
            for message in source.handle(events.removeFirst(), fleet: fleet, now: now) {
                if let answer = carry(message) { events.append(answer) }
            }
        }
    }

    private mutating func carry(_ message: SummarySource.Message) -> SummarySource.Event? {
        if dead.contains(message.to.id) {
            tries += 1
            return .failed(message.to.id)
        }
        if Double(random.next(below: 1000)) < loss * 1000 {
            return silent ? nil : .failed(message.to.id)
        }
        let answer = stores[message.to.id]?.receive(message.body, from: source.own, now: now)
        return answer.map { .answered($0, by: message.to.id) }
    }

    mutating func run(_ time: Duration) {
        let end = now + time
        while source.nextWake <= end {
            now = max(now, source.nextWake)
            tell(.ticked)
        }
        now = end
    }

    /// How many of those near think that it has no such name.
    func denials(_ text: String) -> Int {
        let keys = FileFilter(text: Array(text.utf8)).keys
        return holders.count { id in
            stores[id]?.mayMatch(Self.record(1), keys: keys, now: now) == false
        }
    }

    var holders: [PeerID] { fleet.near(source.own, reach: 16).map(\.id) }
}

@Suite struct SummarySourceTests {
    @Test("Soon all that are near know it, and nobody else; they go on trusting it")
    func spread() {
        var ring = Neighbourhood(seed: 1)
        ring.run(.seconds(10))
        #expect(ring.source.holdersCount == 32)
        #expect(ring.denials("absent") == 32 && ring.denials("old") == 0)
        #expect(ring.stores.values.count { $0.count == 1 } == 32)
        ring.run(.seconds(100))
        #expect(ring.denials("absent") == 32, "it was confirmed")
    }

    @Test("A new file is findable one message later; a busy catalog tells of many at once")
    func news() {
        var ring = Neighbourhood(seed: 1)
        ring.run(.seconds(10))
        func changed(_ name: String, _ version: UInt64) -> SummarySource.Event {
            .changed(names: [Array(name.utf8)], digests: [], version: version)
        }
        ring.tell(changed("absent.txt", 2))
        #expect(ring.denials("absent") == 0)
        ring.tell(changed("second.txt", 3))
        ring.tell(changed("third.txt", 4))
        #expect(ring.denials("second") == 32, "gathered")
        ring.run(.milliseconds(200))
        #expect(ring.denials("second") == 0 && ring.denials("third") == 0)
        #expect(ring.denials("fourth") == 32)
    }

    @Test(
        "Messages that are lost hide a new file no longer than the lease",
        arguments: 1...10 as ClosedRange<UInt64>, [true, false])
    func losses(seed: UInt64, silent: Bool) {
        var ring = Neighbourhood(seed: seed)
        ring.run(.seconds(10))
        ring.loss = 0.5
        ring.silent = silent
        for version in 2...30 as ClosedRange<UInt64> {
            let name = "file\(version)x.txt"
            ring.tell(.changed(names: [Array(name.utf8)], digests: [], version: version))
            ring.run(.seconds(1))
        }
        ring.run(.seconds(16))
        for version in 2...30 {
            #expect(ring.denials("file\(version)x") == 0, "seed \(seed), \(version)")
        }
        ring.loss = 0
        ring.run(.seconds(15))
        #expect(ring.denials("absent") == 32, "seed \(seed): all are whole again")
    }

    @Test("Some that are dead are tried now and then, and do not keep the others from it")
    func dead() {
        var ring = Neighbourhood(seed: 1)
        ring.dead = Set(ring.holders.sorted().prefix(12))
        ring.run(.seconds(10))
        #expect(ring.denials("absent") == 20)
        // Once a second at most, within four each half second.
        #expect((12...120).contains(ring.tries))
    }

    @Test("Who comes near gets the whole, who is not near any more is told nothing")
    func churn() {
        var ring = Neighbourhood(seed: 1)
        ring.run(.seconds(10))
        let newcomer = SwimRecord(
            id: PeerID(1 << 56, 1, 0, 0), address: "new", incarnation: Incarnation(boot: 1))
        ring.stores[newcomer.id] = SummaryStore()
        ring.fleet.update(newcomer)
        let last = ring.holders
        ring.run(.seconds(3))
        #expect(ring.stores[newcomer.id]?.count == 1)
        #expect(last == ring.holders && last.contains(newcomer.id))
        #expect(ring.source.holdersCount == 32)
        #expect(ring.denials("absent") == 32)
    }

    @Test("Past many removals it asks for a filter made anew, which all get")
    func rebuild() {
        var ring = Neighbourhood(seed: 1)
        ring.run(.seconds(10))
        for version in 2...1002 as ClosedRange<UInt64> {
            ring.tell(.changed(names: [], digests: [], version: version))
        }
        #expect(ring.source.isRebuildWanted)
        let filter = GramFilter(names: [Array("other.txt".utf8)])
        ring.tell(.rebuilt(filter, version: 1003))
        #expect(!ring.source.isRebuildWanted)
        ring.run(.seconds(10))
        #expect(ring.denials("old") == 32 && ring.denials("other") == 0)
    }

    @Test("A filter that has become too small asks to be made anew")
    func growth() {
        var ring = Neighbourhood(seed: 1)
        #expect(!ring.source.isRebuildWanted)
        for number in 0..<20 as Range<UInt64> {
            let name = GramFilterTests.names(1, seed: number)
            ring.tell(.changed(names: name, digests: [], version: 2 + number))
        }
        #expect(ring.source.isRebuildWanted)
    }

    @Test("A state that is no newer changes nothing")
    func stale() {
        var ring = Neighbourhood(seed: 1)
        ring.tell(.changed(names: [Array("absent".utf8)], digests: [], version: 1))
        #expect(ring.source.version == 1)
        #expect(!ring.source.filter.mayContain(Array("absent".utf8)))
    }
}

@Suite struct NearTests {
    @Test("Those near are the living on both sides, once each", arguments: [2, 5, 33, 34, 60])
    func near(count: UInt64) {
        let ids = (1...count).map { Neighbourhood.record($0) }
        var table = MemberTable(ids)
        #expect(table.near(ids[0].id, reach: 16).count == min(32, Int(count) - 1))
        guard count == 60 else { return }
        let near = table.near(ids[30].id, reach: 2).map(\.address)
        #expect(near == ["p32", "p33", "p30", "p29"])
        var dead = ids[31]
        dead.state = .dead
        table.update(dead)
        #expect(table.near(ids[30].id, reach: 2).map(\.address) == ["p33", "p34", "p30", "p29"])
        #expect(table.near(ids[59].id, reach: 1).map(\.address) == ["p1", "p59"], "it wraps")
    }
}
