import Testing

@testable import Overlay

extension Swim.Effect {
    /// What it does, in a word.
    fileprivate var kind: String {
        switch self {
        case .changed(let record, _): return "\(record.address) \(record.state)"
        case .forgotten: return "forgotten"
        case .send(let message, _):
            switch message.body {
            case .ping: return "ping"
            case .ack: return "ack"
            case .pingRequest: return "pingRequest"
            case .missed: return "missed"
            case .gossip: return "gossip"
            case .digest: return "digest"
            case .records: return "records"
            }
        }
    }
}

/// Every phase meets every event.
@Suite struct SwimPhaseTests {
    enum Phase: CaseIterable, Sendable { case idle, running, leaving }

    struct Row: Sendable {
        let what: String
        let event: Swim.Event
        /// In the order of ``Phase``: kinds of effects, sorted.
        let effects: [[String]]
        /// The phase afterwards.
        let next: [Swim.Phase]
    }

    static func from2(_ body: SwimMessage.Body) -> Swim.Event {
        .received(SwimMessage(from: member(2), body: body))
    }

    static let stay: [Swim.Phase] = [.idle, .running, .leaving]
    static let zeros = [UInt64](repeating: 0, count: MemberTable.buckets)

    static let rows: [Row] = [
        Row(
            what: "started", event: .started(friends: ["p2", "p1"]),
            effects: [["digest"], [], []], next: [.running, .running, .leaving]),
        Row(what: "ticked", event: .ticked, effects: [[], ["gossip", "gossip"], []], next: stay),
        Row(
            what: "ping", event: from2(.ping(sequence: 7, target: member(1).id)),
            effects: [[], ["ack"], []], next: stay),
        Row(
            what: "ping of another", event: from2(.ping(sequence: 7, target: member(9).id)),
            effects: [[], [], []], next: stay),
        Row(what: "ack", event: from2(.ack(sequence: 7)), effects: [[], [], []], next: stay),
        Row(
            what: "ping request",
            event: from2(.pingRequest(sequence: 7, target: member(3).id, address: "p3")),
            effects: [[], ["ping"], []], next: stay),
        Row(
            what: "missed", event: from2(.missed(sequence: 7)), effects: [[], [], []], next: stay),
        Row(what: "gossip", event: from2(.gossip), effects: [[], [], []], next: stay),
        Row(
            what: "news", event: gossip([SwimUpdate(member(9))], from: 2),
            effects: [[], ["p9 alive"], ["p9 alive"]], next: stay),
        Row(
            what: "digest", event: from2(.digest(zeros)), effects: [[], ["records"], ["records"]],
            next: stay),
        Row(
            what: "digest of no known size", event: from2(.digest([1])), effects: [[], [], []],
            next: stay),
        Row(
            what: "records", event: from2(.records([member(9)], digest: nil)),
            effects: [[], ["p9 alive"], ["p9 alive"]], next: stay),
        Row(
            what: "records and a digest", event: from2(.records([], digest: zeros)),
            effects: [[], ["records"], ["records"]], next: stay),
        Row(
            what: "from itself",
            event: .received(
                SwimMessage(from: member(1), body: .ping(sequence: 1, target: member(1).id))),
            effects: [[], [], []], next: stay),
        Row(
            what: "introduced", event: .introduced("p9"), effects: [[], ["digest"], []],
            next: stay),
        Row(
            what: "introduced to itself", event: .introduced("p1"), effects: [[], [], []],
            next: stay),
        Row(
            what: "doubted", event: .doubted(member(2).id), effects: [[], [], []], next: stay),
        Row(
            what: "leaving", event: .leaving, effects: [[], ["gossip", "gossip"], []],
            next: [.idle, .leaving, .leaving]),
    ]

    static func swim(in phase: Phase) -> Swim {
        var swim = Swim(
            own: member(1), members: MemberTable([member(2), member(3)]),
            configuration: SwimConfiguration(), seed: 1)
        if phase != .idle { _ = swim.handle(.started(friends: []), now: start) }
        if phase == .leaving { _ = swim.handle(.leaving, now: start) }
        return swim
    }

    @Test("Each phase and each event", arguments: rows, 0..<3)
    func cell(row: Row, phase: Int) {
        var swim = Self.swim(in: Phase.allCases[phase])
        let effects = swim.handle(row.event, now: start)
        #expect(effects.map(\.kind).sorted() == row.effects[phase], "\(row.what)")
        #expect(swim.phase == row.next[phase], "\(row.what)")
        #expect(swim.fault(now: start) == nil)
    }
}

/// Every stage of a probe meets everything that can come.
@Suite struct SwimProbeTests {
    enum Stage: CaseIterable, Sendable { case none, direct, indirect }

    enum Input: CaseIterable, Sendable {
        case tickEarly, tickDue, ack, staleAck, missed, staleMissed, leaving
    }

    /// What the probe is afterwards, and how much the peer's own health has changed.
    struct Outcome: Equatable {
        var stage: Stage
        var effects: [String] = []
        var missed = 0
        var health = 0
    }

    static func expected(_ stage: Stage, _ input: Input) -> Outcome {
        let same = Outcome(stage: stage)
        switch (stage, input) {
        case (.none, .tickDue): return Outcome(stage: .direct, effects: ["ping"])
        case (.none, _): return same
        case (.direct, .tickDue):
            return Outcome(
                stage: .indirect, effects: ["ping", "pingRequest", "pingRequest"])
        case (.direct, .ack), (.indirect, .ack): return Outcome(stage: .none, health: -1)
        // Nobody was asked: whoever says so means another probe.
        case (.direct, _): return same
        case (.indirect, .tickDue):
            // Two were asked, and neither said that it heard nothing: this peer may be the one that is not well.
            // The next probe begins.
            return Outcome(stage: .direct, effects: ["ping", "suspect"], health: 2)
        case (.indirect, .missed): return Outcome(stage: .indirect, missed: 1)
        case (.indirect, _): return same
        }
    }

    /// Peer 1 among four, at rest but for the probe, of health 4, so that it can change both ways.
    static func swim(_ stage: Stage) -> (swim: Swim, now: Instant) {
        var swim = running([member(2), member(3), member(4)])
        _ = swim.pending.take(bytesMax: 10_000, transmissionsMax: 1)
        (swim.nextSync, swim.nextReconnect) = (.distant, .distant)
        var now = start
        while Self.stage(of: swim) != stage {
            now = swim.nextWake ?? now
            _ = swim.handle(.ticked, now: now)
            _ = swim.pending.take(bytesMax: 10_000, transmissionsMax: 1)
        }
        swim.health = 4
        return (swim, now)
    }

    static func stage(of swim: Swim) -> Stage {
        guard let current = swim.probing.current else { return .none }
        return current.indirectAt == nil ? .indirect : .direct
    }

    @Test("Each stage and each input", arguments: Stage.allCases, Input.allCases)
    func cell(stage: Stage, input: Input) throws {
        var (swim, now) = Self.swim(stage)
        let sequence = swim.probing.sequence
        func from(_ body: SwimMessage.Body) -> Swim.Event {
            .received(SwimMessage(from: member(4), body: body))
        }
        let event: Swim.Event
        switch input {
        case .tickEarly: event = .ticked
        case .tickDue:
            now = try #require(swim.nextWake)
            event = .ticked
        case .ack: event = from(.ack(sequence: sequence))
        case .staleAck: event = from(.ack(sequence: sequence &+ 9))
        case .missed: event = from(.missed(sequence: sequence))
        case .staleMissed: event = from(.missed(sequence: sequence &+ 9))
        case .leaving: event = .leaving
        }
        let effects = swim.handle(event, now: now).map(\.kind)
        let outcome = Outcome(
            stage: Self.stage(of: swim),
            effects: effects.filter { $0 != "gossip" }.map {
                $0.hasSuffix("suspect") ? "suspect" : $0
            }
            .sorted(), missed: swim.probing.current?.missed ?? 0, health: swim.health - 4)
        #expect(outcome == Self.expected(stage, input))
    }
}

/// Every stage of a suspicion meets everything that bears on it.
@Suite struct SwimSuspicionTests {
    enum Stage: CaseIterable, Sendable { case fresh, confirmed, asked, askedTwice }

    enum Input: CaseIterable, Sendable {
        case tickEarly, tickDue, confirmed, confirmedAgain, aliveSame, aliveNewer, aliveOlder
        case dead, left, spoke, spokeNewer
    }

    static let suspect = member(2, boot: 5, .suspect)

    /// Peer 1 among five that suspects peer 2, as peer 3 said.
    static func swim(_ stage: Stage) -> (swim: Swim, now: Instant) {
        var swim = running([member(2), member(3), member(4), member(5), member(6)])
        (swim.nextSync, swim.nextReconnect, swim.probing.nextProbe) =
            (.distant, .distant, .distant)
        _ = swim.handle(gossip([SwimUpdate(suspect, by: member(3).id)]), now: start)
        if stage == .confirmed {
            _ = swim.handle(gossip([SwimUpdate(suspect, by: member(4).id)]), now: start)
        }
        let wanted = stage == .asked ? 1 : stage == .askedTwice ? 2 : 0
        var now = start
        while let suspicion = swim.suspicions.first, suspicion.lastChecks < wanted {
            now = swim.nextStep(of: suspicion)
            _ = swim.handle(.ticked, now: now)
        }
        return (swim, now)
    }

    static func event(_ input: Input) -> Swim.Event {
        switch input {
        case .tickEarly, .tickDue: .ticked
        case .confirmed: gossip([SwimUpdate(suspect, by: member(5).id)])
        case .confirmedAgain: gossip([SwimUpdate(suspect, by: member(3).id)])
        case .aliveSame: gossip([SwimUpdate(member(2))])
        case .aliveNewer: gossip([SwimUpdate(member(2, boot: 6))])
        case .aliveOlder: gossip([SwimUpdate(member(2, boot: 4))])
        case .dead: gossip([SwimUpdate(member(2, boot: 5, .dead))])
        case .left: gossip([SwimUpdate(member(2, boot: 5, .left))])
        case .spoke: gossip([], from: 2)
        case .spokeNewer: .received(SwimMessage(from: member(2, boot: 6), body: .gossip))
        }
    }

    @Test("Each stage and each input", arguments: Stage.allCases, Input.allCases)
    func cell(stage: Stage, input: Input) throws {
        var (swim, now) = Self.swim(stage)
        let before = try #require(swim.suspicions.first)
        let deadline = swim.deadline(of: before)
        if input == .tickDue { now = swim.nextStep(of: before) }
        let kinds = swim.handle(Self.event(input), now: now).map(\.kind)
        let (state, after) = (swim.table[Self.suspect.id]?.state, swim.suspicions.first)
        switch input {
        case .tickEarly, .confirmedAgain, .aliveSame, .aliveOlder:
            #expect(state == .suspect && after?.lastChecks == before.lastChecks)
            #expect(after.map { swim.deadline(of: $0) } == deadline, "nothing was learned")
        case .tickDue where stage == .askedTwice:
            #expect(state == .dead && after == nil && kinds.contains("p2 dead"))
        case .tickDue:
            #expect(state == .suspect && after?.lastChecks == before.lastChecks + 1)
            #expect(kinds.contains("ping") && kinds.contains("pingRequest"))
        case .confirmed:
            #expect(state == .suspect && after?.by.count == before.by.count + 1)
            #expect(after.map { swim.deadline(of: $0) < deadline } == true)
        case .aliveNewer, .spokeNewer:
            #expect(state == .alive && after == nil && kinds.contains("p2 alive"))
        case .dead: #expect(state == .dead && after == nil && kinds.contains("p2 dead"))
        case .left: #expect(state == .left && after == nil && kinds.contains("p2 left"))
        case .spoke:
            // It is told what is said of it: only the next incarnation proves that it knows.
            #expect(state == .suspect && kinds.contains("gossip"))
        }
        // What has become due by it comes next.
        while let wake = swim.nextWake, wake <= now { _ = swim.handle(.ticked, now: now) }
        #expect(swim.fault(now: now) == nil)
    }

    @Test("Past the bound a suspicion has no clock, and gets one when there is room")
    func bound() {
        var configuration = SwimConfiguration()
        configuration.suspicionsMax = 1
        var swim = running([member(2), member(3), member(4)], configuration)
        for number in [2, 4] as [UInt64] {
            let update = SwimUpdate(member(number, boot: 5, .suspect), by: member(3).id)
            _ = swim.handle(gossip([update]), now: start)
        }
        #expect(swim.table[member(4).id]?.state == .suspect && swim.suspicions.count == 1)
        _ = swim.handle(gossip([SwimUpdate(member(2, boot: 6))]), now: start)
        var effects: [Swim.Effect] = []
        swim.apply(
            SwimUpdate(member(4, boot: 5, .suspect), by: member(1).id), now: start, &effects)
        #expect(swim.suspicions.map(\.id) == [member(4).id])
    }
}
