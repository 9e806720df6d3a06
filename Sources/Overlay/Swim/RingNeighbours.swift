/// The sparse graph that members agree on without a word: each is linked with the one before and the one after
/// it on three rings, whose orders are hashes of the ids.
///
/// Six neighbours for everyone, never more; links are mutual where two know the same members; one that dies is
/// replaced by the next on its ring as soon as it is believed dead. The union of two and more such cycles by
/// chance is an expander with high probability (Friedman 2008; as an overlay: Law and Siu, INFOCOM 2003).
package struct RingNeighbours: Sendable {
    package static let rings = 3
    /// With the friends among them, as the issue of the fleet wants it.
    package static let neighboursMax = 8

    /// A member that is next on a ring, and how far it is from us.
    private struct Side: Sendable {
        var distance = UInt64.max
        var id: PeerID?

        mutating func consider(_ distance: UInt64, _ id: PeerID) {
            guard (distance, id) < (self.distance, self.id ?? id) || self.id == nil
            else { return }
            (self.distance, self.id) = (distance, id)
        }
    }

    package let own: PeerID
    private var sides: [(before: Side, after: Side)]

    package init(own: PeerID, table: MemberTable) {
        self.own = own
        sides = Array(repeating: (Side(), Side()), count: Self.rings)
        rebuild(table)
    }

    /// Without doubles, ring by ring; fewer in a fleet of fewer than seven.
    package var ids: [PeerID] {
        var found: [PeerID] = []
        for ring in sides {
            for case let id? in [ring.before.id, ring.after.id] where !found.contains(id) {
                found.append(id)
            }
        }
        return found
    }

    /// The same, with live friends up to ``neighboursMax`` of both. A link to a friend is one-way: who is
    /// everybody's friend has no more neighbours for it.
    package func ids(withFriends friends: [PeerID]) -> [PeerID] {
        var found = ids
        for friend in friends where found.count < Self.neighboursMax {
            if friend != own, !found.contains(friend) { found.append(friend) }
        }
        return found
    }

    /// Takes over what has changed of a member; `table` is as it is afterwards.
    package mutating func note(_ record: SwimRecord, table: MemberTable) {
        if record.state.isLive {
            consider(record.id)
        } else if ids.contains(record.id) {
            rebuild(table)
        }
    }

    private mutating func rebuild(_ table: MemberTable) {
        sides = Array(repeating: (Side(), Side()), count: Self.rings)
        for place in 0..<table.count {
            let record = table.record(at: place)
            if record.state.isLive { consider(record.id) }
        }
    }

    private mutating func consider(_ id: PeerID) {
        guard id != own else { return }
        for ring in sides.indices {
            let distance = Self.position(of: id, on: ring) &- Self.position(of: own, on: ring)
            sides[ring].after.consider(distance, id)
            sides[ring].before.consider(0 &- distance, id)
        }
    }

    static func position(of id: PeerID, on ring: Int) -> UInt64 {
        var mixer = SplitMix64(seed: id.first ^ id.third &+ UInt64(ring) &* 0xA24B_AED4_963E_E407)
        return mixer.next()
    }
}
