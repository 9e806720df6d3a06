import Testing

@testable import Overlay

@Suite struct GramFilterTests {
    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Names of letters by chance.
    static func names(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in
            (0..<12).map { _ in UInt8(0x61 + random.next(below: 26)) }
        }
    }

    @Test(
        "Never a false negative: every part of every name may be contained",
        arguments: 1...5 as ClosedRange<UInt64>)
    func complete(seed: UInt64) {
        let names = Self.names(40, seed: seed)
        let filter = GramFilter(names: names)
        for name in names {
            for start in 0..<name.count {
                for end in start...name.count {
                    #expect(filter.mayContain(Array(name[start..<end])), "seed \(seed)")
                }
            }
        }
    }

    @Test("Hardly a false positive of six letters, at the size that the names ask for")
    func precise() {
        let filter = GramFilter(names: Self.names(100, seed: 1))
        let wrong = Self.names(10_000, seed: 2).count { filter.mayContain(Array($0.prefix(6))) }
        #expect(wrong < 100, "\(wrong) of 10,000; four trigrams of 1,000 of 17,576 by chance: 0")
        #expect(filter.bytes == 2048, "ten bits each for 1,000 trigrams, to a power of two")
    }

    @Test("However many the names are, a filter has 64 KiB at most")
    func bound() {
        #expect(GramFilter(keys: 10_000_000).bytes == GramFilter.bytesMax)
    }

    @Test("A copy that takes each delta is equal; a bit out of range is refused")
    func deltas() {
        var (one, copy) = (GramFilter(keys: 100), GramFilter(keys: 100))
        for name in Self.names(20, seed: 3) {
            let bits = one.insert(name)
            let isTaken = copy.insert(bits: bits)
            #expect(isTaken)
        }
        #expect(one == copy)
        #expect(one.insert(Self.names(1, seed: 3)[0]) == [], "nothing is new")
        let isTaken = copy.insert(bits: [one.bytes * 8])
        #expect(!isTaken)
        #expect(one == copy)
    }
}

@Suite struct SummaryStoreTests {
    static let peer = PeerID(1, 2, 3, 4)
    static let filter = GramFilter(names: [Array("report".utf8)])
    static let missing = GramFilter.grams(of: Array("absent".utf8))
    static func record(boot: UInt64 = 1) -> SwimRecord {
        SwimRecord(id: peer, address: "a", incarnation: Incarnation(boot: boot))
    }

    @Test("Nothing known, another run, a lease that is over: anything may match")
    func trust() {
        var store = SummaryStore(lease: .seconds(15))
        #expect(store.mayMatch(Self.record(), keys: Self.missing, now: .zero))
        _ = store.receive(
            .whole(boot: 1, version: 4, Self.filter), from: Self.peer, now: .zero)
        #expect(!store.mayMatch(Self.record(), keys: Self.missing, now: .zero))
        #expect(store.mayMatch(Self.record(boot: 2), keys: Self.missing, now: .zero))
        let late = Instant.zero + .seconds(16)
        #expect(store.mayMatch(Self.record(), keys: Self.missing, now: late))
        let still = SummaryStore.Message.still(boot: 1, version: 4)
        #expect(store.receive(still, from: Self.peer, now: late) == .taken)
        #expect(!store.mayMatch(Self.record(), keys: Self.missing, now: late))
    }

    @Test("A new file is findable with its delta; a delta that is missed makes the copy void")
    func deltas() {
        var store = SummaryStore()
        var filter = Self.filter
        let bits = filter.insert(Array("absent".utf8))
        func send(_ message: SummaryStore.Message) -> SummaryStore.Answer {
            store.receive(message, from: Self.peer, now: .zero)
        }
        #expect(send(.delta(boot: 1, since: 1, version: 2, bits: bits)) == .wholeNeeded)
        #expect(send(.whole(boot: 1, version: 1, Self.filter)) == .taken)
        #expect(send(.delta(boot: 1, since: 1, version: 2, bits: bits)) == .taken)
        #expect(store.mayMatch(Self.record(), keys: Self.missing, now: .zero))
        #expect(
            send(.delta(boot: 1, since: 1, version: 2, bits: bits)) == .taken, "the same once more")
        #expect(send(.whole(boot: 1, version: 1, Self.filter)) == .taken, "overtaken")
        #expect(store.mayMatch(Self.record(), keys: Self.missing, now: .zero))
        #expect(send(.delta(boot: 1, since: 3, version: 4, bits: [])) == .wholeNeeded)
        #expect(store.count == 0)
        #expect(send(.still(boot: 1, version: 4)) == .wholeNeeded)
    }

    @Test("Past the bound a summary is refused, so its peer is asked")
    func bound() {
        var store = SummaryStore(limit: 1)
        let whole = SummaryStore.Message.whole(boot: 1, version: 1, Self.filter)
        #expect(store.receive(whole, from: PeerID(9, 9, 9, 9), now: .zero) == .taken)
        #expect(store.receive(whole, from: Self.peer, now: .zero) == .refused)
        #expect(store.mayMatch(Self.record(), keys: Self.missing, now: .zero))
    }
}
