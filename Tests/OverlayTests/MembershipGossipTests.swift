import Testing

@testable import Overlay

extension [Membership.Effect] {
    fileprivate var introduced: [String] {
        compactMap { if case .introduce(let id, _) = $0 { id } else { nil } }
    }
    fileprivate var doubted: [String] {
        compactMap { if case .doubt(let id) = $0 { id } else { nil } }
    }
}

/// Where the list by URL and the gossip by id meet.
@Suite struct MembershipGossipTests {
    /// Member c is known by the gossip alone.
    static func gossiped() -> Fixture {
        var fixture = Fixture.joined()
        fixture.send(.gossipFound(url: c, info: info("C")))
        return fixture
    }

    @Test("A peer of our kind is introduced, and checked until the gossip has it")
    func introduced() {
        var fixture = Fixture.started()
        let effects = fixture.send(.registered(url: a, theirPeers: [], info: info("A")))
        #expect(effects.introduced == ["A"])
        #expect(fixture.run(seconds: 40).checked.contains(a))
        let again = fixture.send(
            .checkSucceeded(url: a, info: info("A"), roundTrip: .milliseconds(1)))
        #expect(again.introduced == ["A"])
        fixture.send(.gossipFound(url: a, info: info("A")))
        #expect(!fixture.run(seconds: 120).checked.contains(a))
    }

    @Test("A peer that speaks only REST is not introduced")
    func restOnly() {
        var fixture = Fixture.joined()
        fixture.send(.peersLearned([c]))
        let effects = fixture.send(
            .checkSucceeded(url: c, info: PeerInfo(name: "c"), roundTrip: .milliseconds(1)))
        #expect(effects.introduced == [])
        #expect(fixture.run(seconds: 40).checked.contains(c))
    }

    @Test("Whom the gossip finds is a member at once, and is neither checked nor registered with")
    func found() {
        var fixture = Fixture.joined()
        let effects = fixture.send(.gossipFound(url: c, info: info("C")))
        #expect(effects.changes == ["c unknown alive"])
        #expect(effects.persisted == [c])
        #expect(effects.registeredWith == [])
        #expect(fixture.membership.healthy == [a, c])
        #expect(!fixture.run(seconds: 120).checked.contains(c))
    }

    @Test(
        "What the gossip believes is believed here",
        arguments: [
            ([MemberState.suspect], ["c alive suspect"], [a, c]),
            ([.suspect, .alive], ["c alive suspect", "c suspect alive"], [a, c]),
            ([.suspect, .suspect], ["c alive suspect"], [a, c]),
            ([.suspect, .dead], ["c alive suspect", "c suspect dead"], [a]),
            ([.dead, .dead], ["c alive dead"], [a]),
            ([.left], ["c alive left"], [a]),
            ([.alive, .unknown], [], [a, c]),
        ])
    func follows(states: [MemberState], changes: [String], healthy: [PeerURL]) {
        var fixture = Self.gossiped()
        let effects = states.flatMap { fixture.send(.gossipChanged(id: "C", state: $0)) }
        #expect(effects.changes == changes)
        #expect(fixture.membership.healthy == healthy)
    }

    @Test("An answer that was on its way when its peer said goodbye does not bring it back")
    func goodbyeInBetween() {
        var fixture = Fixture.joined()
        #expect(fixture.send(.peersLearned([c])).checked.contains(c))
        fixture.send(.gossipFound(url: c, info: info("C")))
        fixture.send(.gossipChanged(id: "C", state: .left))
        let late = fixture.send(
            .checkSucceeded(url: c, info: info("C"), roundTrip: .milliseconds(1)))
        #expect(late.changes == [])
        var checked: [PeerURL] = []
        while !checked.contains(c) { checked = fixture.run(seconds: 1).checked }
        let back = fixture.send(
            .checkSucceeded(url: c, info: info("C"), roundTrip: .milliseconds(1)))
        #expect(back.changes == ["c left alive"])
    }

    @Test("One that the gossip lost is checked again, and introduced when it answers")
    func lostAndBack() {
        var fixture = Self.gossiped()
        fixture.send(.gossipChanged(id: "C", state: .dead))
        #expect(fixture.membership[c]?.reason != nil)
        #expect(fixture.run(seconds: 40).checked.contains(c))
        let effects = fixture.send(
            .checkSucceeded(url: c, info: info("C"), roundTrip: .milliseconds(1)))
        #expect(effects.changes == ["c dead alive"])
        #expect(effects.introduced == ["C"])
        // What the gossip believed before does not count until it has met it again.
        #expect(fixture.send(.gossipChanged(id: "C", state: .dead)).changes == [])
        #expect(fixture.send(.gossipChanged(id: "C", state: .left)).changes == ["c alive left"])
    }

    @Test("A search that runs into a member of the gossip makes it doubted, not dead")
    func doubted() {
        var fixture = Self.gossiped()
        let effects = fixture.send(.reportedUnreachable(url: c, reason: "refused"))
        #expect(effects.doubted == ["C"])
        #expect(fixture.membership.healthy == [a, c])
    }

    @Test("A check that fails says nothing of a member that the gossip watches")
    func failedCheck() {
        var fixture = Self.gossiped()
        fixture.send(.registrationReceived(url: c, token: 1))
        for _ in 0..<5 {
            #expect(fixture.send(.checkFailed(url: c, reason: "refused")).changes == [])
        }
        #expect(fixture.membership.healthy == [a, c])
    }

    @Test("A friend by another name keeps it while it lives; else the peer's own name counts")
    func otherNames() {
        var fixture = Fixture.joined()
        let asFriend = fixture.send(.gossipFound(url: c, info: info("A")))
        #expect(fixture.membership.all == [a])
        #expect(asFriend.changes == [])

        var moved = Self.gossiped()
        let effects = moved.send(.gossipFound(url: d, info: info("C")))
        #expect(effects.forgotten == [c])
        #expect(moved.membership.healthy == [a, d])
    }

    @Test("Neither this peer nor its id becomes a member")
    func itself() {
        var fixture = Fixture.joined()
        fixture.send(.gossipFound(url: url("self"), info: info("C")))
        fixture.send(.gossipFound(url: c, info: info("me")))
        fixture.send(.gossipFound(url: d, info: PeerInfo(name: "d")))
        #expect(fixture.membership.all == [a])
    }

    @Test("Figures of members are taken over, those of strangers dropped")
    func figures() {
        var fixture = Self.gossiped()
        fixture.send(.gossipHeard(id: "C", roundTrip: .milliseconds(2), files: nil, bytes: nil))
        fixture.send(.gossipHeard(id: "C", roundTrip: nil, files: 7, bytes: 8))
        fixture.send(.gossipHeard(id: "D", roundTrip: nil, files: 7, bytes: 8))
        #expect(fixture.membership[c]?.roundTrip == .milliseconds(2))
        #expect(fixture.membership[c]?.info?.files == 7)
        #expect(fixture.membership[c]?.info?.bytes == 8)
    }

    @Test("A list that is full takes nobody in from the gossip")
    func full() {
        var fixture = Fixture.joined { $0.membersMax = 1 }
        fixture.send(.gossipFound(url: c, info: info("C")))
        #expect(fixture.membership.all == [a])
    }
}
