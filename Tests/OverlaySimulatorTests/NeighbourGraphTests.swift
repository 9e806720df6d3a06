import Overlay
import Testing

@testable import OverlaySimulator

@Suite struct NeighbourGraphTests {
    static func links(_ records: [SwimRecord], _ table: MemberTable) -> [Set<Int>] {
        var indexByID: [PeerID: Int] = [:]
        for (index, record) in records.enumerated() { indexByID[record.id] = index }
        return records.map { record in
            guard table[record.id]?.state.isLive == true else { return [] }
            return Set(
                RingNeighbours(own: record.id, table: table).ids.compactMap { indexByID[$0] })
        }
    }

    @Test(
        "The graph is connected and its ways are short, also without the fifth that has just died",
        arguments: 1...3 as ClosedRange<UInt64>)
    func expander(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let records = (0..<1000).map { number in
            SwimRecord(
                id: PeerID(random.next(), random.next(), random.next(), random.next()),
                address: "p\(number)", incarnation: Incarnation(boot: 1))
        }
        let links = Self.links(records, MemberTable(records))
        let hops = Graph(mutual: links).hops(from: 0).compactMap(\.self)
        #expect(hops.count == 1000, "seed \(seed)")
        // A tree of degree 6 has 937 within four hops.
        #expect((hops.max() ?? 0) <= 7, "seed \(seed)")
        #expect(hops.reduce(0, +) < 5 * 1000, "seed \(seed)")
        // Nobody has noticed yet.
        let dead = Set(random.shuffle(Array(1..<1000)).prefix(200))
        let rest = links.enumerated().map { dead.contains($0.offset) ? [] : $0.element }
        let left = Graph(mutual: rest).hops(from: 0).compactMap(\.self)
        #expect(left.count >= 799, "seed \(seed): \(left.count) of 800 are connected")
    }
}
