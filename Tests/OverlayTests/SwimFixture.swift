@testable import Overlay

/// A member by its number; its id is the number, its address `pN`.
func member(
    _ number: UInt64, boot: UInt64 = 5, _ state: SwimState = .alive
) -> SwimRecord {
    SwimRecord(
        id: PeerID(number << 56, 0, 0, number), address: "p\(number)",
        incarnation: Incarnation(boot: boot), state: state)
}

let start = Instant.zero

/// Peer 1, running, that knows these members.
func running(
    _ members: [SwimRecord], _ configuration: SwimConfiguration = SwimConfiguration()
) -> Swim {
    var swim = Swim(
        own: member(1), members: MemberTable(members), configuration: configuration, seed: 1)
    _ = swim.handle(.started(friends: []), now: start)
    return swim
}

func gossip(_ updates: [SwimUpdate], from number: UInt64 = 3) -> Swim.Event {
    .received(SwimMessage(from: member(number), body: .gossip, updates: updates))
}

extension Swim {
    /// Lets time pass until `end`, and returns all that it did.
    mutating func run(until end: Instant) -> [(at: Instant, effect: Effect)] {
        var effects: [(at: Instant, effect: Effect)] = []
        while let wake = nextWake, wake <= end {
            effects += handle(.ticked, now: wake).map { (wake, $0) }
        }
        return effects
    }
}
