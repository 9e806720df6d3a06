/// Orders what is said of one member in time; only the member itself makes a new one.
///
/// SWIM's incarnation number, in two parts: `boot` grows with each start of the process (the shell takes
/// the wall clock or a number that it keeps), `refutations` with each time that it contradicts.
/// A restarted peer so replaces itself without having to hear what was said of it. Where the clock
/// went back, it hears of its former self, and takes the next after that.
package struct Incarnation: Hashable, Comparable, Sendable {
    package var boot: UInt64
    package var refutations: UInt32

    package init(boot: UInt64, refutations: UInt32 = 0) {
        self.boot = boot
        self.refutations = refutations
    }

    var next: Incarnation {
        refutations == .max
            ? Incarnation(boot: boot + 1)
            : Incarnation(boot: boot, refutations: refutations + 1)
    }

    package static func < (left: Incarnation, right: Incarnation) -> Bool {
        (left.boot, left.refutations) < (right.boot, right.refutations)
    }
}

/// What is believed of a member; of one incarnation, the later in this order counts.
package enum SwimState: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    case alive
    /// It did not answer; dead unless it contradicts in time.
    case suspect
    case dead
    /// It said goodbye, and so is told apart from one that died.
    case left

    package static func < (left: SwimState, right: SwimState) -> Bool {
        left.rawValue < right.rawValue
    }

    /// Whether it takes part: a suspect still does.
    package var isLive: Bool { self <= .suspect }
}

/// One member, and what is said of it. Of two records of a member the greater claim counts, so that
/// peers that have heard the same things believe the same, in whatever order they came.
package struct SwimRecord: Hashable, Sendable {
    package var id: PeerID
    /// Where its gRPC port is, as the shell writes it.
    package var address: String
    package var incarnation: Incarnation
    package var state: SwimState

    package init(
        id: PeerID, address: String, incarnation: Incarnation, state: SwimState = .alive
    ) {
        self.id = id
        self.address = address
        self.incarnation = incarnation
        self.state = state
    }

    /// Whether this is news to one that believes `other`.
    func supersedes(_ other: SwimRecord) -> Bool {
        (incarnation, state) > (other.incarnation, other.state)
    }
}

/// A record on its way.
package struct SwimUpdate: Hashable, Sendable {
    package var record: SwimRecord
    /// Who suspects it, so that independent suspicions can be counted; nil in other states.
    package var by: PeerID?

    package init(_ record: SwimRecord, by: PeerID? = nil) {
        self.record = record
        self.by = by
    }
}
