import Testing

@testable import Overlay

typealias Effect = Membership.Effect

func url(_ name: String) -> PeerURL {
    do { return try PeerURL("http://\(name)") } catch { preconditionFailure("\(error)") }
}

func info(_ id: String, name: String = "x") -> PeerInfo {
    PeerInfo(id: id, name: name, version: "1", grpc: "\(name):50051", files: 1, bytes: 2)
}

let (a, b, c, d) = (url("a"), url("b"), url("c"), url("d"))

/// A membership with a clock that the test moves; what it asks of the clock is left out.
struct Fixture {
    var membership: Membership
    var now = Instant.zero

    init(_ change: (inout MembershipConfiguration) -> Void = { _ in }) {
        var configuration = MembershipConfiguration(healthCheckInterval: .seconds(30))
        change(&configuration)
        membership = Membership(
            own: url("self"), ownID: "me", configuration: configuration, seed: 1)
    }

    /// Started, friends a and b; the registration with a is on its way, b is being checked.
    static func started(_ change: (inout MembershipConfiguration) -> Void = { _ in }) -> Fixture {
        var fixture = Fixture(change)
        fixture.send(.started(friends: [a, b], restored: []))
        return fixture
    }

    /// Friend a alive, registered and known, and nothing on its way.
    static func joined(_ change: (inout MembershipConfiguration) -> Void = { _ in }) -> Fixture {
        var fixture = Fixture(change)
        fixture.send(.started(friends: [a], restored: []))
        fixture.send(.registered(url: a, theirPeers: [], info: info("A")))
        return fixture
    }

    @discardableResult
    mutating func send(_ event: Membership.Event) -> [Effect] {
        membership.handle(event, now: now).filter {
            if case .scheduleTick = $0 { false } else { true }
        }
    }

    /// Lets the clock run to `seconds` from now in ticks of a second.
    @discardableResult
    mutating func run(seconds: Int) -> [Effect] {
        var effects: [Effect] = []
        for _ in 0..<seconds {
            now = now + .seconds(1)
            effects += send(.ticked)
        }
        return effects
    }

    /// A member c that is alive and registered with, and not a friend.
    mutating func addAlive(_ url: PeerURL, id: String) {
        send(.peersLearned([url]))
        send(.checkSucceeded(url: url, info: info(id), roundTrip: .milliseconds(3)))
        send(.registered(url: url, theirPeers: [], info: nil))
    }
}

extension [Membership.Effect] {
    var checked: [PeerURL] { compactMap { if case .check(let url) = $0 { url } else { nil } } }
    var registeredWith: [PeerURL] {
        compactMap { if case .register(let url) = $0 { url } else { nil } }
    }
    var changes: [String] {
        compactMap {
            guard case .memberChanged(let member, let from, let to) = $0 else { return nil }
            return "\(member.url.host) \(from) \(to)"
        }
    }
    var persisted: [PeerURL] {
        compactMap { if case .persist(let member) = $0 { member.url } else { nil } }
    }
    var forgotten: [PeerURL] {
        compactMap { if case .forget(let url, _) = $0 { url } else { nil } }
    }
}

@Suite struct MembershipTests {
    @Test("At the start it registers with the primary, checks the secondary, asks for a tick")
    func start() {
        var fixture = Fixture()
        let effects = fixture.membership.handle(
            .started(friends: [a, b], restored: []), now: .zero)
        #expect(
            effects == [
                .register(with: a), .scheduleTick(at: .zero + .seconds(1)), .check(b),
            ])
        #expect(fixture.membership.all == [a, b])
        #expect(fixture.membership.healthy == [])
        #expect(
            fixture.membership.counts == [.unknown: 2, .alive: 0, .suspect: 0, .dead: 0, .left: 0])
    }

    @Test("A friend that takes us is alive, and its peers are checked and registered with")
    func mutual() {
        var fixture = Fixture.started()
        let effects = fixture.send(
            .registered(url: a, theirPeers: [c, url("self"), a], info: info("A")))
        #expect(effects.changes == ["a unknown alive"])
        #expect(effects.persisted == [a])
        #expect(effects.checked == [c])
        let answer = fixture.send(
            .checkSucceeded(url: c, info: info("C"), roundTrip: .milliseconds(5)))
        #expect(answer.registeredWith == [c])
        #expect(fixture.membership[c]?.roundTrip == .milliseconds(5))
        #expect(fixture.membership[c]?.protocol == .p2p)
        #expect(fixture.send(.registered(url: c, theirPeers: [d], info: nil)).checked == [d])
        #expect(fixture.membership.healthy == [a, c])
    }

    @Test("The secondary stands in for the primary, and both are tried again until one takes us")
    func standIn() {
        var fixture = Fixture.started()
        fixture.send(.checkFailed(url: b, reason: "refused"))
        #expect(fixture.send(.registrationFailed(url: a, reason: "refused")).registeredWith == [b])
        #expect(fixture.send(.registrationFailed(url: b, reason: "refused")).registeredWith == [])
        // The pause is 1 s ± 20 %, so it ends with the second tick at the latest.
        #expect(fixture.run(seconds: 2).registeredWith == [a])
        #expect(fixture.send(.registrationFailed(url: a, reason: "refused")).registeredWith == [b])
        fixture.send(.registrationFailed(url: b, reason: "refused"))
        #expect(fixture.run(seconds: 1).registeredWith == [])
        #expect(fixture.run(seconds: 2).registeredWith == [a])
        let joined = fixture.send(.registered(url: a, theirPeers: [], info: info("A")))
        #expect(joined.changes == ["a dead alive"])
        #expect(fixture.membership.join == .joined)
        #expect(fixture.run(seconds: 20).registeredWith == [])
    }

    @Test("The pause between attempts to join grows to its bound")
    func joinBackoff() {
        var fixture = Fixture { $0.healthCheckInterval = .seconds(100_000) }
        fixture.send(.started(friends: [a], restored: []))
        var pauses: [Int] = []
        for _ in 0..<10 {
            fixture.send(.registrationFailed(url: a, reason: "refused"))
            var seconds = 0
            repeat { seconds += 1 } while fixture.run(seconds: 1).registeredWith.isEmpty
            pauses.append(seconds)
        }
        #expect(pauses.prefix(5).elementsEqual(pauses.prefix(5).sorted()))
        #expect(pauses.allSatisfy { $0 <= 73 } && pauses[9] >= 48)
    }

    @Test("A primary that comes back later is registered with as well")
    func primaryReturns() {
        var fixture = Fixture.started()
        fixture.send(.checkSucceeded(url: b, info: info("B"), roundTrip: .zero))
        fixture.send(.registrationFailed(url: a, reason: "refused"))
        fixture.send(.registered(url: b, theirPeers: [], info: nil))
        #expect(fixture.run(seconds: 34).checked.contains(a))
        let effects = fixture.send(.checkSucceeded(url: a, info: info("A"), roundTrip: .zero))
        #expect(effects.registeredWith == [a])
    }

    @Test("Without friends nothing is asked of anybody")
    func alone() {
        var fixture = Fixture()
        #expect(fixture.send(.started(friends: [url("self")], restored: [])) == [])
        #expect(fixture.run(seconds: 100) == [])
        #expect(
            fixture.send(.bootstrapRequested(token: 1)) == [
                .answerBootstrap(token: 1, registered: [], failed: [], known: [])
            ])
    }

    @Test("Who registers is checked at once and gets the healthy ones; it is registered with too")
    func registration() {
        var fixture = Fixture.joined()
        #expect(fixture.send(.registrationReceived(url: c, token: 7)) == [.check(c)])
        let effects = fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero))
        #expect(
            effects.contains(.answerRegistration(token: 7, refusal: nil, healthy: [a, c])))
        #expect(effects.registeredWith == [c])
        #expect(effects.changes == ["c unknown alive"])
    }

    @Test("Who registers and does not answer is refused and leaves no trace")
    func registrationUnanswered() {
        var fixture = Fixture.joined()
        fixture.send(.registrationReceived(url: c, token: 7))
        #expect(
            fixture.send(.checkFailed(url: c, reason: "refused")) == [
                .answerRegistration(token: 7, refusal: "http://c: refused", healthy: [])
            ])
        #expect(fixture.membership.all == [a])
    }

    @Test("Two registrations of one URL share a check; a known peer is checked again")
    func registrationShared() {
        var fixture = Fixture.joined()
        #expect(fixture.send(.registrationReceived(url: a, token: 1)) == [.check(a)])
        #expect(fixture.send(.registrationReceived(url: a, token: 2)) == [])
        let effects = fixture.send(.checkSucceeded(url: a, info: info("A"), roundTrip: .zero))
        #expect(
            effects == [.introduce(id: "A", grpc: "x:50051")]
                + [1, 2].map { .answerRegistration(token: $0, refusal: nil, healthy: [a]) })
    }

    @Test("Registering our own URL, or us under another, is refused")
    func registrationOfSelf() {
        var fixture = Fixture.joined()
        let refusal = "that URL is this peer's own"
        #expect(
            fixture.send(.registrationReceived(url: url("self"), token: 1)) == [
                .answerRegistration(token: 1, refusal: refusal, healthy: [])
            ])
        fixture.send(.registrationReceived(url: c, token: 2))
        #expect(
            fixture.send(.checkSucceeded(url: c, info: info("me"), roundTrip: .zero)) == [
                .answerRegistration(token: 2, refusal: refusal, healthy: [])
            ])
        #expect(fixture.send(.peersLearned([c])).checked == [], "remembered as an alias")
        fixture.now = fixture.now + .seconds(3600)
        #expect(fixture.send(.peersLearned([c])).checked == [c], "the alias lives an hour")
    }

    @Test("Registrants past the bounds wait for a check, or are refused at once")
    func registrantsBounded() {
        var fixture = Fixture.joined {
            $0.checksInFlightMax = 1
            $0.registrantsMax = 2
        }
        #expect(fixture.send(.registrationReceived(url: c, token: 1)) == [.check(c)])
        #expect(fixture.send(.registrationReceived(url: d, token: 2)) == [])
        #expect(
            fixture.send(.registrationReceived(url: b, token: 3)) == [
                .answerRegistration(
                    token: 3, refusal: "too many registrations at once, try again", healthy: [])
            ])
        #expect(fixture.send(.checkFailed(url: c, reason: "refused")).checked == [d])
    }

    @Test("Bootstrap registers with both friends and answers when both have ended")
    func bootstrap() {
        var fixture = Fixture.started()
        #expect(fixture.send(.bootstrapRequested(token: 9)).registeredWith == [b])
        fixture.send(.registered(url: a, theirPeers: [], info: info("A")))
        let effects = fixture.send(.registrationFailed(url: b, reason: "refused"))
        #expect(
            effects.contains(
                .answerBootstrap(token: 9, registered: [a], failed: [b], known: [a, b])))
        #expect(fixture.membership.bootstraps.isEmpty)
    }

    @Test("A bootstrap past the bound is answered with what is known")
    func bootstrapBounded() {
        var fixture = Fixture.started { $0.bootstrapsMax = 1 }
        fixture.send(.bootstrapRequested(token: 1))
        #expect(
            fixture.send(.bootstrapRequested(token: 2)) == [
                .answerBootstrap(token: 2, registered: [], failed: [a, b], known: [a, b])
            ])
    }

    @Test("Members are checked once an interval, ±10 %, and no earlier")
    func interval() {
        var fixture = Fixture.joined()
        #expect(fixture.run(seconds: 26).checked == [])
        #expect(fixture.run(seconds: 8).checked == [a])
        #expect(fixture.run(seconds: 1).checked == [], "one check at a time")
    }

    @Test("Checks on their way are bounded, and the next begins when one ends")
    func checksBounded() {
        var fixture = Fixture.joined { $0.checksInFlightMax = 2 }
        let many = (0..<5).map { url("p\($0)") }
        let first = fixture.send(.peersLearned(many)).checked
        #expect(first.count == 2)
        var seen = Set(first)
        var waiting = first
        while let next = waiting.popLast() {
            let more = fixture.send(
                .checkSucceeded(url: next, info: info(next.host), roundTrip: .zero)
            ).checked
            #expect(more.allSatisfy { seen.insert($0).inserted })
            waiting += more
        }
        #expect(seen == Set(many))
    }

    @Test("Registrations on their way are bounded, and the next begins when one ends")
    func registrationsBounded() {
        var fixture = Fixture.joined { $0.registrationsInFlightMax = 1 }
        fixture.send(.peersLearned([c, d]))
        #expect(
            fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero))
                .registeredWith == [c])
        #expect(
            fixture.send(.checkSucceeded(url: d, info: info("D"), roundTrip: .zero))
                .registeredWith == [])
        #expect(
            fixture.send(.registered(url: c, theirPeers: [], info: nil)).registeredWith == [d])
    }

    @Test("A living member is dead after two failures in a row, the second soon after the first")
    func death() {
        var fixture = Fixture.joined()
        _ = fixture.run(seconds: 34)
        #expect(fixture.send(.checkFailed(url: a, reason: "timeout")) == [])
        #expect(fixture.membership.healthy == [a])
        #expect(fixture.membership[a]?.consecutiveFailures == 1)
        #expect(fixture.run(seconds: 2).checked == [a])
        let effects = fixture.send(.checkFailed(url: a, reason: "timeout"))
        #expect(effects.changes == ["a alive dead"])
        #expect(effects.persisted == [a])
        #expect(fixture.membership[a]?.reason == "timeout")
        #expect(fixture.membership.healthy == [])
    }

    @Test("A success between two failures starts the count again")
    func recovered() {
        var fixture = Fixture.joined()
        for _ in 0..<3 {
            _ = fixture.run(seconds: 34)
            fixture.send(.checkFailed(url: a, reason: "timeout"))
            _ = fixture.run(seconds: 2)
            fixture.send(.checkSucceeded(url: a, info: info("A"), roundTrip: .zero))
        }
        #expect(fixture.membership[a]?.state == .alive)
        #expect(fixture.membership[a]?.consecutiveFailures == 0)
        #expect(fixture.membership[a]?.reason == nil)
    }

    @Test("A dead member that answers is alive, and is registered with again")
    func resurrection() {
        var fixture = Fixture.joined()
        fixture.addAlive(c, id: "C")
        let dead = fixture.send(.reportedUnreachable(url: c, reason: "refused"))
        #expect(dead.changes == ["c alive dead"])
        #expect(dead.checked == [c], "a mistake is corrected at once")
        let alive = fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero))
        #expect(alive.changes == ["c dead alive"])
        #expect(alive.registeredWith == [c])
    }

    @Test("A dead member is looked at less and less often, a friend every interval")
    func deadPause() {
        var fixture = Fixture.joined()
        fixture.addAlive(c, id: "C")
        fixture.send(.reportedUnreachable(url: a, reason: "refused"))
        fixture.send(.reportedUnreachable(url: c, reason: "refused"))
        var counts = [a: 0, c: 0]
        for _ in 0..<1000 {
            for url in fixture.run(seconds: 1).checked {
                counts[url, default: 0] += 1
                fixture.send(.checkFailed(url: url, reason: "refused"))
            }
        }
        #expect((28...40).contains(counts[a] ?? 0), "1000 s / 30 s ± 10 %")
        #expect((7...13).contains(counts[c] ?? 0), "1000 s / 120 s ± 10 %")
    }

    @Test("A report about who is not alive changes nothing")
    func lateReport() {
        var fixture = Fixture.started()
        for target in [a, d, url("self")] {
            #expect(fixture.send(.reportedUnreachable(url: target, reason: "refused")) == [])
            #expect(fixture.send(.leaveReceived(url: target)) == [])
        }
    }

    @Test("Who says goodbye has left, and is looked at an interval later")
    func goodbye() {
        var fixture = Fixture.joined()
        #expect(fixture.send(.leaveReceived(url: a)).changes == ["a alive left"])
        #expect(fixture.run(seconds: 29).checked == [])
        #expect(fixture.run(seconds: 2).checked == [a])
        fixture.send(.checkFailed(url: a, reason: "refused"))
        #expect(fixture.membership[a]?.state == .left)
        _ = fixture.run(seconds: 35)
        #expect(
            fixture.send(.checkSucceeded(url: a, info: info("A"), roundTrip: .zero)).changes
                == ["a left alive"])
    }

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

    @Test("A check that is never answered is given up, and its late answer proves life")
    func checkGivenUp() {
        var fixture = Fixture.joined()
        fixture.send(.registrationReceived(url: c, token: 1))
        fixture.send(.reportedUnreachable(url: a, reason: "refused"))
        #expect(fixture.run(seconds: 29).changes == [])
        let effects = fixture.run(seconds: 1)
        #expect(
            effects.contains(
                .answerRegistration(
                    token: 1, refusal: "http://c: no answer within 30.0 seconds", healthy: [])))
        #expect(
            fixture.send(.checkSucceeded(url: c, info: info("C"), roundTrip: .zero)) == [],
            "nobody waits for it any more")
        let late = fixture.send(.checkSucceeded(url: a, info: info("A"), roundTrip: .zero))
        #expect(late.changes == ["a dead alive"])
        #expect(fixture.send(.checkFailed(url: a, reason: "late")) == [])
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
