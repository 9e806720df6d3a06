import Testing

@testable import Overlay

private let fleet = url("peers.fleet:8001")
private let (one, two, three) = (url("10.0.0.1:8001"), url("10.0.0.2:8001"), url("10.0.0.3:8001"))

extension [Membership.Effect] {
    fileprivate var resolved: [PeerURL] {
        compactMap { if case .resolve(let url) = $0 { url } else { nil } }
    }
    fileprivate var visited: Set<PeerURL> {
        Set(compactMap { if case .visit(let url, of: fleet) = $0 { url } else { nil } })
    }
}

extension Fixture {
    /// Started with the fleet's name as its friend, which leads to these addresses.
    fileprivate static func found(
        _ addresses: [PeerURL], friends: [PeerURL] = [fleet],
        _ change: (inout MembershipConfiguration) -> Void = { _ in }
    ) -> (Fixture, [Effect]) {
        var fixture = Fixture { configuration in
            configuration.resolvesFriends = true
            change(&configuration)
        }
        fixture.send(.started(friends: friends, restored: []))
        let effects = fixture.send(.friendResolved(friend: fleet, addresses: addresses))
        return (fixture, effects)
    }

    @discardableResult
    fileprivate mutating func meet(_ address: PeerURL, _ peer: PeerURL?, _ id: String?) -> [Effect]
    {
        send(.visitSucceeded(address: address, friend: fleet, peer: peer, id: id))
    }
}

@Suite struct RendezvousTests {
    @Test("A friend's name is looked up first, an address and an https name are not")
    func lookup() {
        var fixture = Fixture { $0.resolvesFriends = true }
        let friends = [fleet, one]
        let effects = fixture.send(.started(friends: friends, restored: []))
        #expect(effects.resolved == [fleet])
        #expect(effects.registeredWith == [])
        #expect(fixture.membership.all == [one])
        var secure = Fixture { $0.resolvesFriends = true }
        do {
            let name = try PeerURL("https://peers.fleet")
            #expect(secure.send(.started(friends: [name], restored: [])) == [.register(with: name)])
        } catch { Issue.record(error) }
    }

    @Test(
        "A name of one host is a friend like any other",
        arguments: [[], [one], [one, url("[fd00::1]:8001")]])
    func single(addresses: [PeerURL]) {
        var (fixture, effects) = Fixture.found(addresses)
        #expect(effects.registeredWith == [fleet])
        #expect(fixture.membership.all == [fleet])
        fixture.send(.registered(url: fleet, theirPeers: [], info: info("A")))
        #expect(fixture.membership.healthy == [fleet])
        #expect(fixture.membership[fleet]?.isFriend == true)
    }

    @Test("A single secondary is checked like any other friend")
    func singleSecondary() {
        let (fixture, effects) = Fixture.found([one], friends: [two, fleet])
        #expect(effects.checked == [fleet])
        #expect(effects.registeredWith == [])
        #expect(fixture.membership.all == [two, fleet])
    }

    @Test("A name of many is no member; every address is visited, our own is not")
    func visits() {
        let (fixture, effects) = Fixture.found([one, two, two, url("self")])
        #expect(effects.visited == [one, two])
        #expect(effects.count == 2)
        #expect(fixture.membership.all == [])
    }

    @Test("Of very many addresses a bounded number is picked by the seed")
    func bound() {
        let many = (1...200).map { url("10.0.1.\($0):8001") }
        let (_, effects) = Fixture.found(many) { $0.visitsMax = 16 }
        #expect(effects.visited.count == 16)
        #expect(effects.visited != Set(many.prefix(16)))
    }

    @Test("Who answers is known by its own URL and asked to take us; one that does suffices")
    func enter() {
        var (fixture, _) = Fixture.found([one, two, three])
        let host = url("host-1:8001")
        #expect(fixture.meet(one, host, "A").registeredWith == [host])
        fixture.send(.visitFailed(address: two, friend: fleet))
        #expect(fixture.meet(three, url("self:9"), "me") == [])
        let effects = fixture.send(.registered(url: host, theirPeers: [two], info: info("A")))
        #expect(effects.changes == ["host-1 unknown alive"])
        #expect(effects.checked == [two])
        #expect(fixture.membership.join == .joined)
        #expect(fixture.membership.healthy == [host])
        #expect(fixture.run(seconds: 5).resolved == [])
    }

    @Test("A few are asked at once to take us, the others are checked first")
    func few() {
        let many = (1...6).map { url("10.0.1.\($0):8001") }
        var (fixture, _) = Fixture.found(many) { $0.entriesMax = 2 }
        let effects = many.enumerated().flatMap { fixture.meet($1, $1, "\($0)") }
        #expect(effects.registeredWith == Array(many[..<2]))
        #expect(effects.checked == Array(many[2...]))
        // A REST-only peer says no id, and a visit that was given up counts no more.
        #expect(fixture.meet(one, one, nil) == [])
    }

    @Test("Where nobody takes us the next friend is tried, and the name is asked again later")
    func again() {
        var (fixture, _) = Fixture.found([one, two], friends: [fleet, three])
        fixture.meet(one, one, nil)
        fixture.send(.visitFailed(address: two, friend: fleet))
        let effects = fixture.send(.registrationFailed(url: one, reason: "refused"))
        #expect(effects.registeredWith == [three])
        #expect(effects.forgotten == [one])
        fixture.send(.registrationFailed(url: three, reason: "refused"))
        #expect(fixture.run(seconds: 2).resolved == [fleet])
        // It stays a way in, also with one address, and with none.
        #expect(
            fixture.send(.friendResolved(friend: fleet, addresses: [two])).visited == [two])
        fixture.send(.visitFailed(address: two, friend: fleet))
        fixture.send(.registrationFailed(url: three, reason: "refused"))
        #expect(fixture.run(seconds: 3).resolved == [fleet])
        #expect(
            fixture.send(.friendResolved(friend: fleet, addresses: [])).registeredWith == [three])
        #expect(fixture.membership.all == [three])
    }

    @Test("A name that leads to us alone is asked again until others stand behind it")
    func first() {
        var (fixture, _) = Fixture.found([one])
        let effects = fixture.send(.registered(url: fleet, theirPeers: [], info: info("me")))
        #expect(effects.forgotten == [fleet])
        #expect(fixture.membership.all == [])
        #expect(fixture.run(seconds: 2).resolved == [fleet])
        let visits = fixture.send(.friendResolved(friend: fleet, addresses: [one, two])).visited
        #expect(visits == [one, two])
        fixture.meet(one, one, "me")
        #expect(fixture.meet(two, two, "B").registeredWith == [two])
    }

    @Test("A friend's name behind which another peer answers is looked up again")
    func another() {
        var (fixture, _) = Fixture.found([one])
        fixture.send(.registered(url: fleet, theirPeers: [], info: info("A")))
        let effects = fixture.send(
            .checkSucceeded(url: fleet, info: info("B"), roundTrip: .zero))
        #expect(effects.resolved == [fleet])
        let found = fixture.send(.friendResolved(friend: fleet, addresses: [one, two]))
        #expect(found.forgotten == [fleet])
        #expect(found.visited == [one, two])
        #expect(fixture.membership.all == [])
    }

    @Test("A friend's name that was dead and lives is looked up again")
    func revived() {
        var (fixture, _) = Fixture.found([])
        fixture.send(.registrationFailed(url: fleet, reason: "no such name"))
        #expect(fixture.membership[fleet]?.state == .dead)
        let effects = fixture.send(.checkSucceeded(url: fleet, info: info("A"), roundTrip: .zero))
        #expect(effects.resolved == [fleet])
        #expect(effects.changes == ["peers.fleet dead alive"])
    }

    @Test("Without a living member the name is asked again, and a known peer is a way in at once")
    func alone() {
        var (fixture, _) = Fixture.found([one, two])
        fixture.meet(one, one, "A")
        fixture.send(.visitFailed(address: two, friend: fleet))
        fixture.send(.registered(url: one, theirPeers: [], info: info("A")))
        fixture.send(.reportedUnreachable(url: one, reason: "refused"))
        #expect(fixture.run(seconds: 4).resolved == [fleet])
        fixture.send(.friendResolved(friend: fleet, addresses: [two]))
        fixture.send(.checkSucceeded(url: one, info: info("A"), roundTrip: .zero))
        fixture.send(.registered(url: one, theirPeers: [], info: nil))
        // The same peer under another address.
        #expect(fixture.meet(two, two, "A") == [])
        #expect(fixture.membership.join == .joined)
        #expect(fixture.membership.all == [one])
    }

    @Test(
        "Bootstrap asks the name again and answers when its round has ended",
        arguments: [true, false])
    func bootstrap(isTaken: Bool) {
        var (fixture, _) = Fixture.found([one, two])
        fixture.meet(one, one, "A")
        fixture.send(.visitFailed(address: two, friend: fleet))
        fixture.send(.registered(url: one, theirPeers: [], info: info("A")))
        #expect(fixture.send(.bootstrapRequested(token: 7)).resolved == [fleet])
        fixture.send(.friendResolved(friend: fleet, addresses: [one, two]))
        fixture.send(.visitFailed(address: one, friend: fleet))
        let effects =
            isTaken
            ? fixture.meet(two, one, "A") : fixture.send(.visitFailed(address: two, friend: fleet))
        #expect(
            effects == [
                .answerBootstrap(
                    token: 7, registered: isTaken ? [fleet] : [], failed: isTaken ? [] : [fleet],
                    known: [one])
            ])
    }

    @Test("A lookup and a visit that never end are given up")
    func giveUp() {
        var fixture = Fixture { $0.resolvesFriends = true }
        fixture.send(.started(friends: [fleet], restored: []))
        #expect(fixture.run(seconds: 30).registeredWith == [fleet])
        #expect(fixture.send(.friendResolved(friend: fleet, addresses: [one, two])) == [])
        var (visiting, _) = Fixture.found([one, two])
        #expect(visiting.run(seconds: 33).resolved == [fleet])
        #expect(visiting.meet(one, one, "A") == [])
    }

    @Test("A reload without the name forgets all about it")
    func reload() {
        var (fixture, _) = Fixture.found([one, two])
        fixture.send(.started(friends: [three], restored: []))
        #expect(fixture.meet(one, one, "A") == [])
        #expect(fixture.membership.all == [three])
        #expect(fixture.send(.started(friends: [fleet], restored: [])).resolved == [fleet])
    }

    @Test("Nobody else can make the name a member")
    func learned() {
        var (fixture, _) = Fixture.found([one, two])
        #expect(fixture.send(.peersLearned([fleet])) == [])
    }

    @Test(
        "An address is told from a name",
        arguments: [
            ("10.0.0.1", true), ("[::1]:8001", true), ("host-1", false), ("10.example", false),
            ("peers.fleet.internal:8001", false),
        ])
    func address(host: String, hasAddress: Bool) {
        #expect(url(host).hasAddress == hasAddress)
    }
}
