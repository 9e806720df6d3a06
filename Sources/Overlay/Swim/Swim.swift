/// Who the members are, and whether they live: SWIM with Lifeguard's corrections.
///
/// Source: Das, Gupta, Motivala, "SWIM", DSN 2002; Dadgar, Phillips, Currey, "Lifeguard", DSN-W 2018; the
/// defaults are HashiCorp memberlist's, whose authors measured them. Beyond those:
///
/// - every second probe goes to the next living member on the ring of ids, so that a crash meets
///   its first probe within two intervals for sure, not with luck;
/// - some of those that hear of a suspicion probe the suspect next, which confirms or refutes it soon;
/// - before a suspect is declared dead it is asked twice more, directly and through others;
/// - the full exchange compares digests first, so that two that agree send 2 KB, whatever the fleet;
/// - a dead member is tried now and then, so that a fleet that was cut in two grows together.
///
/// Pure: the caller tells the time, performs the effects in order, and calls `.ticked` at ``nextWake``.
/// Each message may be lost, doubled, or late.
package struct Swim: Sendable {
    package enum Event: Hashable, Sendable {
        /// Friends' addresses. Members of an earlier run came with ``init``.
        case started(friends: [String])
        case ticked
        case received(SwimMessage)
        /// A peer answers at this address: ask it whom it knows.
        case introduced(String)
        /// Somebody could not reach it: it is probed out of turn.
        case doubted(PeerID)
        /// This peer leaves on purpose: says so until it is stopped.
        case leaving
    }

    package enum Effect: Hashable, Sendable {
        case send(SwimMessage, to: String)
        /// What is believed of a member has changed; `from` nil: it is new.
        case changed(SwimRecord, from: SwimState?)
        case forgotten(PeerID)
    }

    enum Phase: Hashable, Sendable { case idle, running, leaving }

    package internal(set) var own: SwimRecord
    package let configuration: SwimConfiguration
    package internal(set) var table: MemberTable
    var random: SplitMix64
    var phase = Phase.idle
    var friends: [String] = []
    var pending = Dissemination()
    /// Lifeguard's local health multiplier: 0 is well.
    package internal(set) var health = 0
    var probing = Probing()
    var suspicions: [Suspicion] = []
    /// When each member died or left, for ``SwimConfiguration/forgetAfter``; in that order.
    var gone: [Gone] = []
    var relays: [Relay] = []
    /// Whether the table that it began with has this peer in it, too; what it says of it never changes.
    private let isInTable: Bool
    /// Members that were refused at ``SwimConfiguration/membersMax``, for the metrics.
    package internal(set) var refusedCount = 0

    var nextGossip = Instant.zero
    var nextSync = Instant.zero
    var nextReconnect = Instant.zero

    /// A member that did not answer, until it contradicts or time is up.
    struct Suspicion: Sendable {
        let id: PeerID
        let since: Instant
        /// Those that suspect it independently of each other; the first began.
        var by: [PeerID]
        /// How often it was asked a last time.
        var lastChecks = 0
    }

    struct Gone: Sendable {
        let id: PeerID
        let since: Instant
    }

    /// A probe for somebody else.
    struct Relay: Sendable {
        /// Ours, and theirs.
        let sequence: UInt32
        let theirs: UInt32
        let asker: String
        /// When the asker is told that nothing came; nil afterwards.
        var missedAt: Instant?
        let endsAt: Instant
    }

    /// - Parameters:
    ///   - own: This peer; its incarnation's `boot` is greater than in any earlier run.
    ///   - members: As an earlier run wrote them down.
    ///   - seed: Of all choices by chance.
    package init(
        own: SwimRecord, members: MemberTable, configuration: SwimConfiguration, seed: UInt64
    ) {
        self.own = own
        self.configuration = configuration
        table = members
        random = SplitMix64(seed: seed)
        isInTable = members[own.id]?.state.isLive == true
    }

    /// Takes one event and returns what is to be done, in this order.
    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        var effects: [Effect] = []
        switch (phase, event) {
        case (.idle, .started(let friends)):
            start(friends: friends, now: now, &effects)
        case (.running, .started(let friends)):
            // The configuration was read again.
            self.friends = friends.filter { $0 != own.address }
            nextReconnect = now
        case (.running, .ticked), (.leaving, .ticked):
            tick(now: now, &effects)
        case (.running, .received(let message)), (.leaving, .received(let message)):
            receive(message, now: now, &effects)
        case (.running, .introduced(let address)):
            if address != own.address { send(.digest(ownDigest), to: address, &effects) }
        case (.running, .doubted(let id)):
            probeOutOfTurn(id)
        case (.running, .leaving):
            phase = .leaving
            own.state = .left
            pending.enqueue(SwimUpdate(own), limit: configuration.pendingMax)
            nextGossip = now
            gossip(now: now, &effects)
        case (.idle, .ticked), (.idle, .received), (.idle, .introduced), (.idle, .doubted),
            (.idle, .leaving), (.leaving, .started), (.leaving, .introduced),
            (.leaving, .doubted), (.leaving, .leaving):
            // Before the start nobody is known; after a goodbye there is no way back.
            break
        }
        return effects
    }

    /// Live members, this one included.
    package var liveCount: Int { table.liveCount + (isInTable ? 0 : 1) }

    /// Whether there is something to pass on.
    package var hasNews: Bool { !pending.isEmpty }

    /// When `.ticked` is due; nil while there is nothing to wait for.
    package var nextWake: Instant? {
        guard phase != .idle else { return nil }
        var wake = phase == .leaving ? nil : min(probing.nextWake, min(nextSync, nextReconnect))
        func consider(_ instant: Instant?) {
            guard let instant else { return }
            wake = wake.map { min($0, instant) } ?? instant
        }
        if !pending.isEmpty { consider(nextGossip) }
        for relay in relays { consider(relay.missedAt ?? relay.endsAt) }
        if phase == .running {
            for suspicion in suspicions { consider(nextStep(of: suspicion)) }
        }
        return wake
    }

    private mutating func start(friends: [String], now: Instant, _ effects: inout [Effect]) {
        phase = .running
        self.friends = friends.filter { $0 != own.address }
        // Peers that start together do not act together.
        probing.nextProbe = now + configuration.probeInterval * random.next(below: 1000) / 1000
        nextSync = now + configuration.syncInterval * random.next(below: 1000) / 1000
        nextReconnect = now + configuration.reconnectInterval
        restoreClocks(now: now)
        pending.enqueue(SwimUpdate(own), limit: configuration.pendingMax)
        nextGossip = now
        for friend in self.friends {
            send(.digest(ownDigest), to: friend, &effects)
        }
    }

    /// Instants do not survive a restart: the time of suspects, and of those that are gone, begins anew.
    private mutating func restoreClocks(now: Instant) {
        guard table.troubledCount > 0 else { return }
        for place in 0..<table.count {
            let record = table.record(at: place)
            switch record.state {
            case .alive: break
            case .suspect: suspect(SwimUpdate(record), now: now)
            case .dead, .left: gone.append(Gone(id: record.id, since: now))
            }
        }
    }

    private mutating func tick(now: Instant, _ effects: inout [Effect]) {
        endRelays(now: now, &effects)
        if phase == .running {
            stepSuspicions(now: now, &effects)
            stepProbe(now: now, &effects)
            if now >= nextSync { sync(now: now, &effects) }
            if now >= nextReconnect { reconnect(now: now, &effects) }
            forgetGone(now: now, &effects)
        }
        gossip(now: now, &effects)
    }

    /// Sends with as much news as fits; what is believed of `about` comes first, so that whoever is
    /// suspected hears it from the one that suspects (Lifeguard's buddy system).
    mutating func send(
        _ body: SwimMessage.Body, to address: String, about: PeerID? = nil,
        _ effects: inout [Effect]
    ) {
        var updates = pending.take(
            bytesMax: configuration.updateBytesMax,
            transmissionsMax: configuration.transmissionsMax(members: liveCount))
        if let about, let record = table[about], record.state != .alive,
            !updates.contains(where: { $0.record.id == about })
        {
            updates.append(SwimUpdate(record, by: own.id))
        }
        effects.append(
            .send(SwimMessage(from: own, body: body, updates: updates), to: address))
    }

    private mutating func gossip(now: Instant, _ effects: inout [Effect]) {
        guard !pending.isEmpty, now >= nextGossip else { return }
        nextGossip = now + configuration.gossipInterval
        for member in randomMembers(configuration.gossipFanout, where: { $0.state.isLive }) {
            if pending.isEmpty { break }
            send(.gossip, to: member.address, &effects)
        }
    }

    /// Up to `count` different members that are wanted, by chance; fewer where few are.
    mutating func randomMembers(
        _ count: Int, where isWanted: (SwimRecord) -> Bool
    ) -> [SwimRecord] {
        guard table.count > 0 else { return [] }
        var found: [SwimRecord] = []
        // Small tables are looked through; in large ones so many tries hardly ever miss.
        let start = random.next(below: table.count)
        let tries = min(table.count, 32 + 4 * count)
        let isWhole = tries == table.count
        for step in 0..<tries where found.count < count {
            let place = isWhole ? (start + step) % table.count : random.next(below: table.count)
            let record = table.record(at: place)
            if record.id != own.id, isWanted(record), !found.contains(record) {
                found.append(record)
            }
        }
        return found
    }
}
