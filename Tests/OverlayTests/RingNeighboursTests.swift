import Testing

@testable import Overlay

@Suite struct RingNeighboursTests {
    static func fleet(_ count: Int, seed: UInt64) -> [SwimRecord] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { number in
            SwimRecord(
                id: PeerID(random.next(), random.next(), random.next(), random.next()),
                address: "p\(number)", incarnation: Incarnation(boot: 1))
        }
    }

    @Test(
        "Links are mutual, six at most, and hold after any changes what a fresh look would say",
        arguments: [1, 2, 3, 7, 100], 1...3 as ClosedRange<UInt64>)
    func incremental(count: Int, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let records = Self.fleet(count, seed: seed)
        var table = MemberTable(records)
        var views = records.map { RingNeighbours(own: $0.id, table: table) }
        for _ in 0..<60 {
            var record = records[random.next(below: count)]
            record.state = SwimState.allCases[random.next(below: 4)]
            table.update(record)
            for index in views.indices { views[index].note(record, table: table) }
            for view in views {
                #expect(view.ids == RingNeighbours(own: view.own, table: table).ids, "seed \(seed)")
                #expect(view.ids.count <= 6 && !view.ids.contains(view.own))
            }
        }
        for one in views where table[one.own]?.state.isLive == true {
            for other in views where one.ids.contains(other.own) {
                #expect(other.ids.contains(one.own), "seed \(seed)")
            }
        }
    }

    @Test(
        "All links at once are those that each member has", arguments: [1, 2, 3, 7, 100],
        1...3 as ClosedRange<UInt64>)
    func links(count: Int, seed: UInt64) throws {
        var records = Self.fleet(count, seed: seed)
        for index in records.indices where index % 5 == 4 { records[index].state = .dead }
        let own = records[0].id
        let links = RingNeighbours.links(own: own, table: MemberTable(records))
        for record in records {
            let linked = links.filter { $0.low == record.id || $0.high == record.id }
                .map { $0.low == record.id ? $0.high : $0.low }
            let view = RingNeighbours(own: record.id, table: MemberTable(records))
            #expect(Set(linked) == (record.state.isLive ? Set(view.ids) : []), "seed \(seed)")
            #expect(linked.count == Set(linked).count)
        }
        // The table does not have to have whoever asks.
        let others = MemberTable(records.filter { $0.id != own })
        #expect(RingNeighbours.links(own: own, table: others) == links)
    }

    @Test("Friends are among them, up to eight; nobody twice")
    func friends() {
        let records = Self.fleet(50, seed: 1)
        let view = RingNeighbours(own: records[0].id, table: MemberTable(records))
        let ids = view.ids(withFriends: records.map(\.id))
        #expect(ids.count == 8 && Set(ids).count == 8 && !ids.contains(records[0].id))
        #expect(view.ids(withFriends: [records[0].id]) == view.ids)
    }
}
