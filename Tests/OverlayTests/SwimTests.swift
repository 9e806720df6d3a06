import Testing

@testable import Overlay

@Suite struct SwimClaimTests {
    /// What is believed afterwards, of an older, the same and a newer incarnation; nil: unknown.
    struct Row: Sendable {
        let believed: SwimState?
        let heard: SwimState
        let outcomes: [SwimState?]
    }

    static let rows: [Row] = [
        Row(believed: nil, heard: .alive, outcomes: [.alive, .alive, .alive]),
        Row(believed: nil, heard: .suspect, outcomes: [.suspect, .suspect, .suspect]),
        Row(believed: nil, heard: .dead, outcomes: [nil, nil, nil]),
        Row(believed: nil, heard: .left, outcomes: [nil, nil, nil]),
        Row(believed: .alive, heard: .alive, outcomes: [.alive, .alive, .alive]),
        Row(believed: .alive, heard: .suspect, outcomes: [.alive, .suspect, .suspect]),
        Row(believed: .alive, heard: .dead, outcomes: [.alive, .dead, .dead]),
        Row(believed: .alive, heard: .left, outcomes: [.alive, .left, .left]),
        Row(believed: .suspect, heard: .alive, outcomes: [.suspect, .suspect, .alive]),
        Row(believed: .suspect, heard: .suspect, outcomes: [.suspect, .suspect, .suspect]),
        Row(believed: .suspect, heard: .dead, outcomes: [.suspect, .dead, .dead]),
        Row(believed: .suspect, heard: .left, outcomes: [.suspect, .left, .left]),
        Row(believed: .dead, heard: .alive, outcomes: [.dead, .dead, .alive]),
        Row(believed: .dead, heard: .suspect, outcomes: [.dead, .dead, .suspect]),
        Row(believed: .dead, heard: .dead, outcomes: [.dead, .dead, .dead]),
        Row(believed: .dead, heard: .left, outcomes: [.dead, .left, .left]),
        Row(believed: .left, heard: .alive, outcomes: [.left, .left, .alive]),
        Row(believed: .left, heard: .suspect, outcomes: [.left, .left, .suspect]),
        Row(believed: .left, heard: .dead, outcomes: [.left, .left, .dead]),
        Row(believed: .left, heard: .left, outcomes: [.left, .left, .left]),
    ]

    @Test("What is heard of a member against what is believed of it", arguments: rows)
    func claims(row: Row) {
        for (place, boot) in [4, 5, 6].enumerated() {
            var swim = running([member(3), member(4)])
            if let believed = row.believed {
                // As of another message, so that suspicions have their clocks.
                _ = swim.handle(
                    gossip([SwimUpdate(member(2, boot: 5), by: nil)]), now: start)
                if believed != .alive {
                    _ = swim.handle(
                        gossip([SwimUpdate(member(2, boot: 5, believed), by: member(3).id)]),
                        now: start)
                }
            }
            let heard = member(2, boot: UInt64(boot), row.heard)
            _ = swim.handle(gossip([SwimUpdate(heard, by: member(4).id)]), now: start)
            #expect(
                swim.table[member(2).id]?.state == row.outcomes[place],
                "\(row), incarnation \(boot) against 5")
            #expect(swim.fault(now: start) == nil)
        }
    }

    @Test("Claims may come in any order: peers that heard the same believe the same")
    func order() {
        var random = SplitMix64(seed: 11)
        let claims = SwimState.allCases.flatMap { state in
            (4...6).map { SwimUpdate(member(2, boot: $0, state), by: member(3).id) }
        }
        var outcomes: Set<SwimRecord?> = []
        for _ in 0..<50 {
            var swim = running([member(2, boot: 1), member(3)])
            for claim in random.shuffle(claims) { _ = swim.handle(gossip([claim]), now: start) }
            outcomes.insert(swim.table[member(2).id])
        }
        #expect(outcomes == [member(2, boot: 6, .left)], "seed 11")
    }
}

@Suite struct SwimTests {
    @Test("One that is doubted is probed next, once, and a stranger never")
    func doubted() {
        var swim = running((2...40).map { member($0) })
        for id: UInt64 in [33, 33, 77] { _ = swim.handle(.doubted(member(id).id), now: start) }
        let pinged = swim.run(until: start + .seconds(1)).compactMap { step -> PeerID? in
            guard case .send(let message, _) = step.effect,
                case .ping(_, let target) = message.body
            else { return nil }
            return target
        }
        #expect(pinged.first == member(33).id)
        #expect(!pinged.contains(member(77).id))
    }

    @Test("Phases and events: before the start and after a goodbye nothing begins")
    func phases() {
        var idle = Swim(
            own: member(1), members: MemberTable([member(2)]),
            configuration: SwimConfiguration(), seed: 1)
        let ping = Swim.Event.received(
            SwimMessage(from: member(2), body: .ping(sequence: 7, target: member(1).id)))
        #expect(idle.handle(.ticked, now: start) == [])
        #expect(idle.handle(ping, now: start) == [])
        #expect(idle.handle(.leaving, now: start) == [])
        #expect(idle.nextWake == nil)

        var left = running([member(2)])
        let goodbye = left.handle(.leaving, now: start)
        #expect(goodbye.count == 1, "to the one member there is")
        #expect(left.handle(.leaving, now: start) == [])
        #expect(left.handle(.started(friends: ["p2"]), now: start) == [])
        #expect(left.handle(ping, now: start) == [], "a peer that has left answers no ping")
    }

    @Test("A ping is answered by its target alone")
    func pings() {
        var swim = running([member(2)])
        func ping(_ target: UInt64) -> Swim.Event {
            .received(
                SwimMessage(
                    from: member(2), body: .ping(sequence: 7, target: member(target).id)))
        }
        guard case .send(let answer, "p2") = swim.handle(ping(1), now: start).first else {
            Issue.record("no answer")
            return
        }
        #expect(answer.body == .ack(sequence: 7))
        #expect(swim.handle(ping(9), now: start) == [], "somebody else had this address before")
    }

    @Test("A member that never answers is probed, asked for through others, suspected, and dead")
    func silence() {
        var swim = running([member(2), member(3), member(4), member(5)])
        let effects = swim.run(until: start + .seconds(200))
        let changes = effects.compactMap { at, effect -> (Instant, SwimRecord)? in
            guard case .changed(let record, _) = effect else { return nil }
            return (at, record)
        }
        for number in 2...5 as ClosedRange<UInt64> {
            let states = changes.filter { $0.1.id == member(number).id }
            #expect(states.map(\.1.state) == [.suspect, .dead], "p\(number)")
            // Nobody else confirms: the longest time.
            let least = SwimConfiguration().suspicionMin(members: 5)
            #expect(states[1].0 - states[0].0 >= least)
        }
        #expect(
            effects.contains { effect in
                guard case .send(let message, _) = effect.effect else { return false }
                guard case .pingRequest = message.body else { return false }
                return true
            })
        #expect(swim.fault(now: start + .seconds(200)) == nil)
    }

    @Test("Independent suspicions shorten the time, to the least at the last")
    func confirmations() {
        let configuration = SwimConfiguration()
        let times = (0...4).map {
            configuration.suspicionTimeout(members: 100, confirmations: $0)
        }
        #expect(times == times.sorted(by: >))
        #expect(times[0] == configuration.suspicionMin(members: 100) * 6)
        #expect(times[3] == configuration.suspicionMin(members: 100) && times[4] == times[3])
        // 1.5 intervals per member's digit: log10(32) = 1.505.
        let least = configuration.suspicionMin(members: 32)
        #expect(least > .milliseconds(5900) && least < .milliseconds(6100))
    }

    @Test("A suspected peer contradicts with the next incarnation, and its own health suffers")
    func refutation() {
        var swim = running([member(2)])
        _ = swim.handle(gossip([SwimUpdate(member(1, boot: 5, .suspect))]), now: start)
        #expect(swim.own.incarnation == Incarnation(boot: 5, refutations: 1))
        #expect(swim.own.state == .alive)
        #expect(swim.health == 1)
        // What is older is no news.
        _ = swim.handle(gossip([SwimUpdate(member(1, boot: 5, .dead))]), now: start)
        #expect(swim.own.incarnation == Incarnation(boot: 5, refutations: 1))
        // A clock that went back: its former self is ahead.
        _ = swim.handle(gossip([SwimUpdate(member(1, boot: 9))]), now: start)
        #expect(swim.own.incarnation == Incarnation(boot: 9, refutations: 1))
    }

    @Test("A restarted peer replaces itself, though it was dead")
    func restart() {
        var swim = running([member(2, boot: 5, .dead), member(3)])
        let effects = swim.handle(gossip([], from: 2), now: start)
        #expect(swim.table[member(2).id]?.state == .dead, "the same incarnation is no proof")
        guard case .send(let message, "p2")? = effects.last else {
            Issue.record("it is not told")
            return
        }
        #expect(message.updates.contains { $0.record == member(2, boot: 5, .dead) })
        let back = SwimMessage(from: member(2, boot: 6), body: .gossip)
        let changes = swim.handle(.received(back), now: start)
        #expect(changes.contains(.changed(member(2, boot: 6), from: .dead)))
    }

    @Test("Past the bound the longest gone gives way, and else a new member is not taken")
    func bound() {
        var configuration = SwimConfiguration()
        configuration.membersMax = 3
        var swim = running([member(2), member(3), member(4)], configuration)
        _ = swim.handle(gossip([SwimUpdate(member(5))]), now: start)
        #expect(swim.table[member(5).id] == nil)
        #expect(swim.refusedCount == 1)
        _ = swim.handle(gossip([SwimUpdate(member(2, boot: 5, .dead))]), now: start)
        let effects = swim.handle(gossip([SwimUpdate(member(5))]), now: start)
        #expect(effects.first == .forgotten(member(2).id))
        #expect(swim.table[member(5).id]?.state == .alive)
        #expect(swim.table.count == 3)
    }

    @Test("Two peers that differ are equal after one exchange")
    func exchange() {
        var one = running([member(2), member(3), member(4)])
        var two = Swim(
            own: member(2), members: MemberTable([member(5), member(6)]),
            configuration: SwimConfiguration(), seed: 2)
        _ = two.handle(.started(friends: []), now: start)
        var messages: [(to: String, message: SwimMessage)] = [
            ("p2", SwimMessage(from: one.own, body: .digest(one.ownDigest)))
        ]
        var count = 0
        while !messages.isEmpty, count < 10 {
            let (to, message) = messages.removeFirst()
            count += 1
            let effects =
                to == "p2"
                ? two.handle(.received(message), now: start)
                : one.handle(.received(message), now: start)
            for case .send(let answer, let target) in effects {
                messages.append((target, answer))
            }
        }
        #expect(one.ownDigest == two.ownDigest)
        #expect(one.liveCount == 6 && two.liveCount == 6)
    }
}

@Suite struct MemberTableTests {
    @Test("Order, successor and digests, whether a member came with the base or later")
    func table() {
        var late = MemberTable([member(2), member(6)])
        for number in [4, 1, 9] as [UInt64] { late.update(member(number)) }
        let base = MemberTable([1, 2, 4, 6, 9].map { member($0) })
        #expect(late.all == base.all)
        #expect(late.digest == base.digest)
        for table in [late, base] {
            func next(_ number: UInt64) -> SwimRecord? {
                table.successor(of: member(number).id) { $0.state == .alive }
            }
            #expect([1, 2, 4, 6, 9].map { next($0)?.address } == ["p2", "p4", "p6", "p9", "p1"])
            #expect(next(5)?.address == "p6")
            #expect(
                table.records(from: member(2).id, through: member(6).id).map(\.address)
                    == ["p2", "p4", "p6"])
        }
        late.update(member(4, boot: 5, .dead))
        #expect(late.liveCount == 4 && late.count == 5)
        #expect(late.digest != base.digest)
        late.update(member(4, boot: 5))
        #expect(late.digest == base.digest)
    }

    @Test(
        "A place is found wherever the ids lie, evenly or all in one corner",
        arguments: 1...6 as ClosedRange<UInt64>)
    func places(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let mask: UInt64 = seed.isMultiple(of: 2) ? .max : 0xFF
        for count in [0, 1, 2, 40, 3000] {
            let ids = (0..<count).map { _ in
                PeerID(random.next() & mask, random.next() & 3, random.next(), 0)
            }
            let records = ids.sorted().map {
                SwimRecord(id: $0, address: "", incarnation: Incarnation(boot: 1))
            }
            let low = PeerID(0, 0, 0, 0)
            let high = PeerID(.max, .max, .max, .max)
            for id in ids.prefix(200) + [low, high, PeerID(random.next() & mask, 1, 0, 0)] {
                let place = records.firstIndex { !($0.id < id) } ?? count
                #expect(MemberTable.place(of: id, in: records) == place, "seed \(seed)")
            }
        }
    }

    @Test("An id is its 64 hex digits")
    func ids() {
        let hex = "00000000000000ff" + String(repeating: "0123456789abcdef", count: 3)
        #expect(PeerID(hex: hex)?.description == hex)
        #expect(PeerID(hex: hex.dropLast()) == nil)
        #expect(PeerID(hex: "g" + hex.dropFirst()) == nil)
    }
}
