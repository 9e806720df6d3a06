extension RingNeighbours {
    /// Two neighbours; in the order of their ids.
    package struct Link: Hashable, Comparable, Sendable {
        package let low: PeerID
        package let high: PeerID

        init(_ one: PeerID, _ other: PeerID) {
            (low, high) = one < other ? (one, other) : (other, one)
        }

        package static func < (left: Link, right: Link) -> Bool {
            (left.low, left.high) < (right.low, right.high)
        }
    }

    /// All links of the fleet, as who knows these members sees it: each once, in order.
    ///
    /// Sorting each ring once, instead of asking each member for its neighbours, keeps it at n log n.
    package static func links(own: PeerID, table: MemberTable) -> [Link] {
        var ids = table.all.filter { $0.state.isLive && $0.id != own }.map(\.id)
        ids.append(own)
        guard ids.count > 1 else { return [] }
        var links: Set<Link> = []
        for ring in 0..<rings {
            let order = ids.map { (position(of: $0, on: ring), $0) }.sorted { $0 < $1 }
            var last = order[order.count - 1].1
            for (_, id) in order {
                links.insert(Link(last, id))
                last = id
            }
        }
        return links.sorted()
    }
}
