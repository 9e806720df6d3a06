import Testing

@testable import Overlay

@Suite struct MembershipTests {
    @Test("A learned URL where nobody answers is forgotten at once")
    func learnedUnanswered() {
        var fixture = Fixture.joined()
        fixture.send(.peersLearned([c]))
        #expect(
            fixture.send(.checkFailed(url: c, reason: "refused")) == [.forget(c, .neverAnswered)])
    }

    @Test("A dead member is forgotten after a day, a friend never")
    func forgetDead() {
        var fixture = Fixture.joined()
        fixture.addAlive(c, id: "C")
        fixture.send(.reportedUnreachable(url: a, reason: "refused"))
        fixture.send(.reportedUnreachable(url: c, reason: "refused"))
        fixture.now = fixture.now + .seconds(24 * 3600 - 1)
        #expect(fixture.send(.ticked).forgotten == [])
        fixture.now = fixture.now + .seconds(1)
        #expect(fixture.send(.ticked).contains(.forget(c, .deadTooLong)))
        #expect(fixture.membership.all == [a])
    }

    @Test("A full list lets the longest dead go first, and else refuses the new one")
    func full() {
        var fixture = Fixture.joined { $0.membersMax = 3 }
        fixture.addAlive(c, id: "C")
        fixture.addAlive(d, id: "D")
        #expect(fixture.send(.peersLearned([b])) == [])
        fixture.send(.registrationReceived(url: b, token: 1))
        #expect(
            fixture.send(.checkSucceeded(url: b, info: info("B"), roundTrip: .zero)) == [
                .answerRegistration(token: 1, refusal: "the list of peers is full", healthy: [])
            ])
        fixture.send(.reportedUnreachable(url: d, reason: "refused"))
        fixture.now = fixture.now + .seconds(1)
        fixture.send(.reportedUnreachable(url: c, reason: "refused"))
        fixture.send(.reportedUnreachable(url: a, reason: "refused"))
        #expect(fixture.send(.peersLearned([b])).contains(.forget(d, .listFull)))
        #expect(fixture.membership.all == [a, b, c])
    }

    @Test("Restored members are unknown and are checked; they are kept when they do not answer")
    func restored() {
        var fixture = Fixture()
        let effects = fixture.send(
            .started(
                friends: [a],
                restored: [
                    RestoredMember(url: d, info: nil), RestoredMember(url: c, info: info("C")),
                    RestoredMember(url: url("self"), info: nil),
                ]))
        #expect(effects.registeredWith == [a])
        #expect(effects.checked == [c, d])
        #expect(fixture.membership[c]?.state == .unknown)
        #expect(fixture.membership[c]?.info == info("C"))
        #expect(
            fixture.send(.checkFailed(url: c, reason: "refused")).changes == ["c unknown dead"])
        #expect(fixture.membership.all == [a, c, d])
    }

    @Test("A registration that is never answered is given up, and the secondary is next")
    func registrationGivenUp() {
        var fixture = Fixture.started()
        fixture.send(.checkFailed(url: b, reason: "refused"))
        #expect(fixture.run(seconds: 29).registeredWith == [])
        #expect(fixture.run(seconds: 1).registeredWith == [b])
        #expect(fixture.send(.registrationFailed(url: a, reason: "late")) == [])
        #expect(
            fixture.send(.registered(url: a, theirPeers: [], info: info("A"))).changes
                == ["a dead alive"])
    }

    @Test("A living member that refuses our registration is checked, and asked again later")
    func registrationRefused() {
        var fixture = Fixture.joined()
        fixture.send(.peersLearned([c]))
        fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero))
        let refused = fixture.send(.registrationFailed(url: c, reason: "429"))
        #expect(refused.checked == [c])
        #expect(refused.changes == [])
        #expect(
            fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero))
                .registeredWith == [], "not before its pause")
        #expect(fixture.run(seconds: 34).checked.contains(c))
        #expect(
            fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero))
                .registeredWith == [c])
    }

    @Test("Another peer behind the same URL is registered with and written down")
    func replaced() {
        var fixture = Fixture.joined()
        _ = fixture.run(seconds: 34)
        let effects = fixture.send(.checkSucceeded(url: a, info: info("A2"), roundTrip: .zero))
        #expect(effects.registeredWith == [a])
        #expect(effects.persisted == [a])
        #expect(effects.changes == [])
        #expect(fixture.membership.urlByID == ["A2": a])
    }

    @Test("Files and bytes change without being written down")
    func counters() {
        var fixture = Fixture.joined()
        _ = fixture.run(seconds: 34)
        var more = info("A")
        more.files = 99
        let effects = fixture.send(.checkSucceeded(url: a, info: more, roundTrip: .zero))
        #expect(effects == [.introduce(id: "A", grpc: "x:50051")])
        #expect(fixture.membership[a]?.info?.files == 99)
    }

    @Test("One peer under two URLs is one member; the friend's URL wins")
    func aliases() {
        var fixture = Fixture.joined()
        fixture.addAlive(c, id: "C")
        fixture.send(.registrationReceived(url: d, token: 1))
        let effects = fixture.send(.checkSucceeded(url: d, info: info("A"), roundTrip: .zero))
        #expect(effects == [.answerRegistration(token: 1, refusal: nil, healthy: [a, c])])
        #expect(fixture.membership.all == [a, c])

        var other = Fixture.started()
        other.addAlive(c, id: "A")
        let friend = other.send(.registered(url: a, theirPeers: [], info: info("A")))
        #expect(friend.contains(.forget(c, .sameAs(a))))
        #expect(other.membership.all == [a, b])
    }

    @Test("A peer that moved to another URL takes its place with it")
    func moved() {
        var fixture = Fixture.joined()
        fixture.addAlive(c, id: "C")
        fixture.send(.reportedUnreachable(url: c, reason: "refused"))
        fixture.send(.registrationReceived(url: d, token: 1))
        let effects = fixture.send(.checkSucceeded(url: d, info: info("C"), roundTrip: .zero))
        #expect(effects.contains(.forget(c, .sameAs(d))))
        #expect(fixture.membership.healthy == [a, d])
    }

    @Test("A friend that is this peer is no friend, and the other friend is tried")
    func friendIsSelf() {
        var fixture = Fixture.started()
        fixture.send(.checkFailed(url: b, reason: "refused"))
        let effects = fixture.send(.registered(url: a, theirPeers: [], info: info("me")))
        #expect(effects.contains(.forget(a, .isSelf)))
        #expect(effects.registeredWith == [b])
        #expect(fixture.membership.all == [b])
    }

    @Test("Started again it takes the new friends, and keeps who ever answered")
    func reloaded() {
        var fixture = Fixture.started()
        fixture.send(.registered(url: a, theirPeers: [], info: info("A")))
        let effects = fixture.send(.started(friends: [d], restored: []))
        #expect(effects.contains(.forget(b, .friendRemoved)))
        #expect(effects.registeredWith == [d])
        #expect(fixture.membership.all == [d, a])
        #expect(fixture.membership[a]?.isFriend == false)
    }

    @Test("Neighbours are the living that said what they speak, friends first")
    func neighbours() {
        var fixture = Fixture.joined()
        fixture.send(.peersLearned([c, d]))
        fixture.send(.checkSucceeded(url: d, info: info("D"), roundTrip: .zero))
        fixture.send(
            .checkSucceeded(url: c, info: PeerInfo(name: "old"), roundTrip: .zero))
        #expect(
            fixture.membership.neighbours == [
                Neighbour(url: a, id: "A", speaks: .p2p, isFriend: true),
                Neighbour(url: c, id: nil, speaks: .rest, isFriend: false),
                Neighbour(url: d, id: "D", speaks: .p2p, isFriend: false),
            ])
        #expect(fixture.membership[c]?.protocol == .rest)
    }

    @Test("The shutdown answers everybody who waits; afterwards nothing happens")
    func shutdown() {
        var fixture = Fixture.started()
        fixture.send(.bootstrapRequested(token: 1))
        fixture.send(.registrationReceived(url: c, token: 2))
        let stopping = "this peer is stopping"
        #expect(
            fixture.send(.shutdown) == [
                .answerRegistration(token: 2, refusal: stopping, healthy: []),
                .answerBootstrap(token: 1, registered: [], failed: [a, b], known: [a, b]),
            ])
        for event in Self.inert { #expect(fixture.send(event) == []) }
        #expect(fixture.send(.started(friends: [a], restored: [])) == [])
        #expect(
            fixture.send(.registrationReceived(url: c, token: 3)) == [
                .answerRegistration(token: 3, refusal: stopping, healthy: [])
            ])
        #expect(
            fixture.send(.bootstrapRequested(token: 4)) == [
                .answerBootstrap(token: 4, registered: [], failed: [a, b], known: [a, b])
            ])
    }

    @Test("Before the start nothing happens, and callers are told so")
    func idle() {
        var fixture = Fixture()
        for event in Self.inert.dropLast() { #expect(fixture.send(event) == []) }
        #expect(
            fixture.send(.registrationReceived(url: c, token: 3)) == [
                .answerRegistration(token: 3, refusal: "this peer is starting", healthy: [])
            ])
        #expect(fixture.send(.shutdown) == [])
    }

    static let inert: [Membership.Event] = [
        .ticked, .checkSucceeded(url: a, info: info("A"), roundTrip: .zero),
        .checkFailed(url: a, reason: ""), .registered(url: a, theirPeers: [c], info: nil),
        .registrationFailed(url: a, reason: ""), .reportedUnreachable(url: a, reason: ""),
        .leaveReceived(url: a), .peersLearned([c]), .shutdown,
    ]

    @Test("Answers that nobody waits for, of peers that nobody knows, change nothing")
    func strangers() {
        var fixture = Fixture.joined()
        for event: Membership.Event in [
            .checkSucceeded(url: d, info: info("D"), roundTrip: .zero),
            .checkFailed(url: d, reason: ""), .registered(url: d, theirPeers: [c], info: nil),
            .registrationFailed(url: d, reason: ""), .registrationFailed(url: a, reason: ""),
            .checkFailed(url: a, reason: ""), .peersLearned([a, url("self")]), .peersLearned([]),
        ] {
            #expect(fixture.send(event) == [], "\(event)")
        }
        #expect(fixture.membership.all == [a])
    }
}
