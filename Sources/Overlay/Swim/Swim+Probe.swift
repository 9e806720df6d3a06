/// Probes: of members in turn, of suspects out of turn, and for others.
extension Swim {
    /// The one probe under way, and whose turn comes then.
    struct Probing: Sendable {
        /// Waits for an ack with this sequence number.
        struct Current: Sendable {
            let target: PeerID
            let sequence: UInt32
            /// When others are asked to try; nil once they were.
            var indirectAt: Instant?
            let endsAt: Instant
            /// Helpers asked, and those that said that they are well and heard nothing either.
            var asked = 0
            var missed = 0
        }

        var current: Current?
        var nextProbe = Instant.zero
        var sequence: UInt32 = 0
        /// Suspects of others, to be probed out of turn; bounded by ``urgentMax``.
        var urgent: [PeerID] = []
        var isRingsTurn = false
        /// The round: places `start`, `start + stride`, ... modulo the table's count.
        var place = 0
        var stride = 1
        var left = 0

        static let urgentMax = 8

        var nextWake: Instant {
            guard let current else { return nextProbe }
            return min(nextProbe, current.indirectAt ?? current.endsAt)
        }
    }

    mutating func stepProbe(now: Instant, _ effects: inout [Effect]) {
        if let current = probing.current {
            if let indirectAt = current.indirectAt, now >= indirectAt {
                probeIndirectly(now: now, &effects)
            }
            if now >= current.endsAt { failProbe(now: now, &effects) }
        }
        guard now >= probing.nextProbe, probing.current == nil else { return }
        let interval = configuration.probeInterval * (health + 1)
        probing.nextProbe = now + interval
        guard let target = nextTarget() else { return }
        probing.sequence &+= 1
        let timeout = min(configuration.probeTimeout * (health + 1), interval)
        probing.current = Probing.Current(
            target: target.id, sequence: probing.sequence, indirectAt: now + timeout,
            endsAt: now + interval)
        ping(target, sequence: probing.sequence, &effects)
    }

    private mutating func ping(
        _ target: SwimRecord, sequence: UInt32, _ effects: inout [Effect]
    ) {
        send(
            .ping(sequence: sequence, target: target.id), to: target.address, about: target.id,
            &effects)
    }

    /// Asks helpers to try, and tries itself once more: a single lost packet is no reason to suspect.
    private mutating func probeIndirectly(now: Instant, _ effects: inout [Effect]) {
        guard var current = probing.current else { return }
        current.indirectAt = nil
        if let target = table[current.target] {
            current.asked = askHelpers(target, sequence: current.sequence, &effects)
            ping(target, sequence: current.sequence, &effects)
        }
        probing.current = current
    }

    /// How many were asked.
    private mutating func askHelpers(
        _ target: SwimRecord, sequence: UInt32, _ effects: inout [Effect]
    ) -> Int {
        let helpers = randomMembers(configuration.helpers) {
            $0.state == .alive && $0.id != target.id
        }
        for helper in helpers {
            send(
                .pingRequest(sequence: sequence, target: target.id, address: target.address),
                to: helper.address, about: target.id, &effects)
        }
        return helpers.count
    }

    /// No ack came. Helpers that were silent as well say that it may be this peer that is not well.
    private mutating func failProbe(now: Instant, _ effects: inout [Effect]) {
        guard let current = probing.current else { return }
        probing.current = nil
        changeHealth(by: current.asked == 0 ? 1 : current.asked - current.missed)
        guard var record = table[current.target], record.state.isLive else { return }
        record.state = .suspect
        apply(SwimUpdate(record, by: own.id), now: now, &effects)
    }

    mutating func receiveAck(_ sequence: UInt32, now: Instant, _ effects: inout [Effect]) {
        if probing.current?.sequence == sequence {
            probing.current = nil
            changeHealth(by: -1)
        } else if let index = relays.firstIndex(where: { $0.sequence == sequence }) {
            let relay = relays.remove(at: index)
            send(.ack(sequence: relay.theirs), to: relay.asker, &effects)
        }
    }

    mutating func receiveMissed(_ sequence: UInt32) {
        guard var current = probing.current, current.sequence == sequence else { return }
        current.missed = min(current.missed + 1, current.asked)
        probing.current = current
    }

    /// Unless ``Probing/urgentMax`` wait for that already: then its turn comes as everybody's.
    mutating func probeOutOfTurn(_ id: PeerID) {
        guard probing.urgent.count < Probing.urgentMax, !probing.urgent.contains(id) else { return }
        probing.urgent.append(id)
    }

    mutating func changeHealth(by amount: Int) {
        health = min(max(health + amount, 0), configuration.healthMax)
    }

    /// Suspects of others first; then the ring's and the round's turn alternate.
    private mutating func nextTarget() -> SwimRecord? {
        while !probing.urgent.isEmpty {
            let id = probing.urgent.removeFirst()
            if let record = table[id], record.state.isLive { return record }
        }
        probing.isRingsTurn.toggle()
        if probing.isRingsTurn {
            // A suspect has been probed already; whoever follows it is to be watched meanwhile.
            let next = table.successor(of: own.id) { $0.state == .alive }
            return next ?? table.successor(of: own.id) { $0.state.isLive }
        }
        return nextInRound()
    }

    /// Each member once in a round, as SWIM §4.3 wants it, without a list of them: from a place by
    /// chance, with a stride by chance that has no common divisor with their count.
    private mutating func nextInRound() -> SwimRecord? {
        let count = table.count
        for _ in 0..<min(count, 64) {
            if probing.left == 0 || probing.place >= count { startRound() }
            let record = table.record(at: probing.place)
            probing.place = (probing.place + probing.stride) % count
            probing.left -= 1
            if record.state.isLive, record.id != own.id { return record }
        }
        return randomMembers(1) { $0.state.isLive }.first
    }

    private mutating func startRound() {
        let count = table.count
        probing.left = count
        probing.place = random.next(below: count)
        probing.stride = 1 + random.next(below: count)
        while Self.commonDivisor(probing.stride, count) != 1 { probing.stride += 1 }
    }

    private static func commonDivisor(_ one: Int, _ other: Int) -> Int {
        var (one, other) = (one, other)
        while other != 0 { (one, other) = (other, one % other) }
        return one
    }
}

/// Probes for others.
extension Swim {
    mutating func relay(
        _ theirs: UInt32, target: PeerID, address: String, asker: String, now: Instant,
        _ effects: inout [Effect]
    ) {
        guard relays.count < configuration.relaysMax, phase == .running else { return }
        probing.sequence &+= 1
        relays.append(
            Relay(
                sequence: probing.sequence, theirs: theirs, asker: asker,
                // Before the asker's period is over, so that it counts.
                missedAt: now + configuration.probeTimeout * 4 / 5,
                endsAt: now + configuration.probeInterval))
        send(
            .ping(sequence: probing.sequence, target: target), to: address, about: target,
            &effects)
    }

    mutating func endRelays(now: Instant, _ effects: inout [Effect]) {
        for index in relays.indices {
            guard let missedAt = relays[index].missedAt, now >= missedAt else { continue }
            relays[index].missedAt = nil
            let relay = relays[index]
            send(.missed(sequence: relay.theirs), to: relay.asker, &effects)
        }
        relays.removeAll { now >= $0.endsAt }
    }
}

/// Suspicions: their clocks, and the last attempts before the end.
extension Swim {
    func deadline(of suspicion: Suspicion) -> Instant {
        suspicion.since
            + configuration.suspicionTimeout(
                members: liveCount, confirmations: suspicion.by.count - 1)
    }

    /// Two last attempts, an interval apart, the second an interval before the end.
    private static let lastChecks = 2

    func nextStep(of suspicion: Suspicion) -> Instant {
        let remaining = max(0, Self.lastChecks - suspicion.lastChecks)
        return deadline(of: suspicion) - configuration.probeInterval * remaining
    }

    mutating func stepSuspicions(now: Instant, _ effects: inout [Effect]) {
        for suspicion in suspicions where now >= nextStep(of: suspicion) {
            guard var record = table[suspicion.id], record.state == .suspect else { continue }
            if suspicion.lastChecks < Self.lastChecks {
                checkOnceMore(record, &effects)
            } else if now >= deadline(of: suspicion) {
                record.state = .dead
                apply(SwimUpdate(record), now: now, &effects)
            }
        }
    }

    /// Any word of it brings its incarnation, and a greater one ends the suspicion; the ping says what is
    /// believed, so that it takes the next.
    private mutating func checkOnceMore(_ record: SwimRecord, _ effects: inout [Effect]) {
        guard let index = suspicions.firstIndex(where: { $0.id == record.id }) else { return }
        suspicions[index].lastChecks += 1
        probing.sequence &+= 1
        ping(record, sequence: probing.sequence, &effects)
        _ = askHelpers(record, sequence: probing.sequence, &effects)
    }
}
