import Overlay

/// A fleet of ``Swim`` over links that lose, double and delay, under the faults of a scenario.
struct FleetSimulation {
    enum Event {
        case arrive(SwimMessage, at: Int)
        case wake(Int)
        case fault(FleetModel.Fault)
        case check
    }

    struct Peer {
        var swim: Swim
        var id: PeerID
        var isRunning = true
        var hasLeft = false
        /// When `.wake` is queued for; the earliest one counts, later ones find nothing due.
        var wakesAt: Instant?
        /// Stalled: nothing is handled until then.
        var stalledUntil = Instant.zero
        /// Its side of a partition.
        var side = 0
        var boot: UInt64 = 1
        var bytes = 0
    }

    /// Somebody whose crash or start is followed through the fleet.
    struct Spread {
        var since: Instant
        var isJoin: Bool
        var knownBy: Set<Int> = []
    }

    let model: FleetModel
    let configuration: SwimConfiguration
    var peers: [Peer] = []
    var indexByID: [PeerID: Int] = [:]
    var queue = EventQueue<Event>()
    var links: Links
    var random: SplitMix64
    var spreads: [Int: Spread] = [:]
    var outcome = FleetOutcome()
    var violations: [String] = []
    var trace = TraceHash()
    /// How many run and have not left.
    var living = 0
    private var lastFault = Instant.zero
    private var end = Instant.zero

    init(_ scenario: Scenario, configuration: SwimConfiguration, seed: UInt64) {
        model = scenario.fleet
        self.configuration = configuration
        random = SplitMix64(seed: seed)
        links = Links(scenario.network, seed: random.next())
        end = .zero + .seconds(fraction: model.seconds)
        var records: [SwimRecord] = []
        for index in 0..<scenario.peers { records.append(makeRecord(index, boot: 1)) }
        let table = MemberTable(model.startsCold ? [] : records)
        for (index, record) in records.enumerated() {
            peers.append(
                Peer(
                    swim: Swim(
                        own: record, members: table, configuration: configuration,
                        seed: random.next()), id: record.id))
            indexByID[record.id] = index
        }
        living = peers.count
    }

    mutating func makeRecord(_ index: Int, boot: UInt64) -> SwimRecord {
        let id = PeerID(random.next(), random.next(), random.next(), random.next())
        return SwimRecord(
            id: id, address: "p\(index)", incarnation: Incarnation(boot: boot))
    }

    mutating func run() {
        for index in peers.indices {
            let friends = model.startsCold ? ["p0", "p1"] : []
            tell(.started(friends: friends), to: index)
        }
        for (at, fault) in model.timetable {
            queue.insert(.fault(fault), at: .zero + .seconds(fraction: at))
            let ends = at + (fault.kind == .stall ? fault.seconds ?? 0 : 0)
            lastFault = max(lastFault, .zero + .seconds(fraction: ends))
        }
        queue.insert(.check, at: .zero + .seconds(1))
        while let next = queue.next, next <= end, let event = queue.pop() { step(event) }
        finish()
    }

    private mutating func step(_ event: Event) {
        switch event {
        case .arrive(let message, let index): arrive(message, at: index)
        case .wake(let index): wake(index)
        case .fault(let fault): befall(fault)
        case .check:
            check()
            queue.insert(.check, at: queue.now + .seconds(1))
        }
    }

    private mutating func arrive(_ message: SwimMessage, at index: Int) {
        guard peers[index].isRunning else { return }
        if peers[index].stalledUntil > queue.now {
            // Waits in the socket; the timers that are due come first, which is the worse order.
            queue.insert(.arrive(message, at: index), at: peers[index].stalledUntil)
            return
        }
        trace.mix(queue.now)
        trace.mix(index)
        tell(.received(message), to: index)
    }

    private mutating func wake(_ index: Int) {
        guard peers[index].isRunning, peers[index].wakesAt == queue.now else { return }
        if peers[index].stalledUntil > queue.now {
            peers[index].wakesAt = peers[index].stalledUntil
            queue.insert(.wake(index), at: peers[index].stalledUntil)
            return
        }
        peers[index].wakesAt = nil
        trace.mix(queue.now)
        trace.mix(~index)
        tell(.ticked, to: index)
    }

    mutating func tell(_ event: Swim.Event, to index: Int) {
        let before = beliefs(about: event, at: index)
        let (effects, nextWake) = peers[index].swim.step(event, now: queue.now)
        for effect in effects { perform(effect, at: index) }
        demandForward(before, at: index)
        guard let wake = nextWake else { return }
        let at = max(wake, queue.now)
        if peers[index].wakesAt.map({ at < $0 }) ?? true {
            peers[index].wakesAt = at
            queue.insert(.wake(index), at: at)
        }
    }

    private mutating func perform(_ effect: Swim.Effect, at index: Int) {
        switch effect {
        case .send(let message, let address):
            let bytes = message.encodedBytes
            peers[index].bytes += bytes
            outcome.messages += 1
            trace.mix(bytes)
            guard let target = Int(address.dropFirst()), peers.indices.contains(target),
                peers[index].side == peers[target].side
            else { return }
            for delay in links.datagram(from: index, to: target) {
                queue.insert(.arrive(message, at: target), at: queue.now + delay)
            }
        case .changed(let record, _):
            note(record, by: index)
        case .forgotten:
            break
        }
    }

    /// Follows what `observer` believes now.
    private mutating func note(_ record: SwimRecord, by observer: Int) {
        guard let subject = indexByID[record.id] else { return }
        trace.mix(subject << 8 | Int(record.state.rawValue))
        if record.state == .suspect { outcome.suspicions += 1 }
        // Over a partition nobody can know better, and an earlier run of it is dead indeed.
        if record.state == .dead, peers[subject].isRunning, !peers[subject].hasLeft,
            record.incarnation.boot == peers[subject].boot,
            peers[subject].side == peers[observer].side
        {
            outcome.falseDeaths += 1
        }
        guard let isJoin = spreads[subject]?.isJoin, !peers[observer].hasLeft,
            record.state == (isJoin ? .alive : .dead)
        else { return }
        spreads[subject]?.knownBy.insert(observer)
        settle(subject)
    }

    /// Ends the spread that all know of by now.
    mutating func settle(_ subject: Int) {
        guard let spread = spreads[subject] else { return }
        let observers = living - (spread.isJoin ? 1 : 0)
        let needed = spread.isJoin ? Int((Double(observers) * 0.999).rounded(.up)) : observers
        guard spread.knownBy.count >= needed else { return }
        spreads[subject] = nil
        let seconds = (queue.now - spread.since).inSeconds
        if spread.isJoin {
            outcome.joinKnownSeconds.append(seconds)
        } else {
            outcome.crashKnownSeconds.append(seconds)
        }
    }

    private mutating func finish() {
        outcome.simulatedSeconds = model.seconds
        outcome.crashKnownSeconds.sort()
        outcome.joinKnownSeconds.sort()
        let rates = peers.map { Double($0.bytes) / model.seconds }
        outcome.bytesPerSecond = rates.reduce(0, +) / Double(max(1, rates.count))
        outcome.bytesPerSecondMax = rates.max() ?? 0
        outcome.summaryBytesPerSecond = SummarySource.bytesPerSecondAtRest(peers: living)
        noteGraph(isEnd: true)
        for (subject, spread) in spreads.sorted(by: { $0.key < $1.key }) {
            violations.append(
                "\(spread.isJoin ? "the start" : "the crash") of p\(subject) at \(spread.since.sinceStart) is known to \(spread.knownBy.count) at the end"
            )
        }
        compareWithExpectation()
    }

    /// Whether the fleet is at rest: every fault is over.
    var isAfterLastFault: Bool { queue.now > lastFault }

    mutating func noteConvergence(_ isConverged: Bool) {
        if !isConverged {
            outcome.convergedSeconds = nil
        } else if outcome.convergedSeconds == nil {
            outcome.convergedSeconds = (queue.now - lastFault).inSeconds
        }
    }
}

extension Swim {
    /// In place: reading `nextWake` through an array would copy the whole state.
    fileprivate mutating func step(
        _ event: Event, now: Instant
    ) -> (effects: [Effect], nextWake: Instant?) {
        let effects = handle(event, now: now)
        return (effects, nextWake)
    }
}
