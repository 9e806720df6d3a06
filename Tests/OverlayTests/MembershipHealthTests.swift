import Testing

@testable import Overlay

/// Checks, and what their outcome means.
@Suite struct MembershipHealthTests {
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
}
