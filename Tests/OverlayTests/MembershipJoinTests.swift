import Testing

@testable import Overlay

/// The way in, and who registers here.
@Suite struct MembershipJoinTests {
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
}
