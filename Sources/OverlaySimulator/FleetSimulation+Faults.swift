import Overlay

/// What befalls the fleet.
extension FleetSimulation {
    mutating func befall(_ fault: FleetModel.Fault) {
        trace.mix("\(fault.kind)")
        let count = fault.peers ?? 1
        switch fault.kind {
        case .crash:
            for index in pick(count) { crash(index) }
        case .restart:
            for index in peers.indices where !peers[index].isRunning { restart(index) }
        case .leave:
            for index in pick(count) {
                leave(index)
            }
        case .join:
            for _ in 0..<count { join() }
        case .stall:
            let until = queue.now + .seconds(fraction: fault.seconds ?? 0)
            for index in 0..<min(count, peers.count) { peers[index].stalledUntil = until }
        case .partition:
            for index in peers.indices { peers[index].side = random.next(below: 2) }
        case .heal:
            for index in peers.indices { peers[index].side = 0 }
        }
    }

    private mutating func pick(_ count: Int) -> [Int] {
        let living = peers.indices.filter { peers[$0].isRunning && !peers[$0].hasLeft }
        return Array(random.shuffle(Array(living)).prefix(count))
    }

    private mutating func leave(_ index: Int) {
        peers[index].hasLeft = true
        spreads[index] = nil
        removeObserver(index)
        tell(.leaving, to: index)
    }

    private mutating func crash(_ index: Int) {
        peers[index].isRunning = false
        spreads[index] = Spread(since: queue.now, isJoin: false)
        removeObserver(index)
    }

    /// One less has to know; all others may know by now.
    private mutating func removeObserver(_ index: Int) {
        living -= 1
        for subject in spreads.keys.sorted() {
            spreads[subject]?.knownBy.remove(index)
            settle(subject)
        }
    }

    /// What a peer that starts again knows from its table is no news to it.
    private mutating func addObserver(_ index: Int) {
        living += 1
        for subject in spreads.keys.sorted() {
            guard let record = peers[index].swim.table[peers[subject].id],
                let isJoin = spreads[subject]?.isJoin,
                isJoin ? record.state == .alive : record.state == .dead
            else { continue }
            spreads[subject]?.knownBy.insert(index)
            settle(subject)
        }
    }

    /// With the same id and address, a later boot, and the table that it had.
    private mutating func restart(_ index: Int) {
        spreads[index] = nil
        peers[index].boot += 1
        var own = peers[index].swim.own
        own.incarnation = Incarnation(boot: peers[index].boot)
        own.state = .alive
        peers[index].swim = Swim(
            own: own, members: peers[index].swim.table, configuration: configuration,
            seed: random.next())
        peers[index].isRunning = true
        peers[index].hasLeft = false
        peers[index].wakesAt = nil
        addObserver(index)
        tell(.started(friends: ["p0", "p1"]), to: index)
    }

    private mutating func join() {
        let index = peers.count
        living += 1
        let friend = pick(1).map { "p\($0)" }
        let record = makeRecord(index, boot: 1)
        peers.append(
            Peer(
                swim: Swim(
                    own: record, members: MemberTable(), configuration: configuration,
                    seed: random.next()), id: record.id))
        indexByID[record.id] = index
        spreads[index] = Spread(since: queue.now, isJoin: true)
        tell(.started(friends: friend), to: index)
    }
}

/// What has to hold all the time, and in the end.
extension FleetSimulation {
    /// Each second. Every peer is looked at in turn, all of them in a hundred seconds at least.
    mutating func check() {
        let stride = max(1, peers.count / 1000)
        let first = random.next(below: stride)
        var isConverged = true
        for index in Swift.stride(from: first, to: peers.count, by: stride)
        where peers[index].isRunning && !peers[index].hasLeft {
            let isAwake = peers[index].stalledUntil <= queue.now
            if isAwake, let fault = peers[index].swim.fault(now: queue.now) {
                violate("p\(index) at \(queue.now.sinceStart): \(fault)")
            }
            isConverged = isConverged && (!isAfterLastFault || believesTheTruth(index))
        }
        if isAfterLastFault { noteConvergence(isConverged) }
        noteGraph(isEnd: false)
    }

    private func believesTheTruth(_ observer: Int) -> Bool {
        let table = peers[observer].swim.table
        guard peers[observer].swim.liveCount == living else { return false }
        guard peers.count <= 64 else { return true }
        return peers.indices.allSatisfy { subject in
            subject == observer
                || (table[peers[subject].id]?.state.isLive ?? false)
                    == (peers[subject].isRunning && !peers[subject].hasLeft)
        }
    }

    /// The first hundred are kept.
    mutating func violate(_ text: String) {
        if violations.count < 100 { violations.append(text) }
    }

    mutating func compareWithExpectation() {
        let expect = model.expect
        demand(
            outcome.crashKnownSeconds.last, atMost: expect.crashKnownSecondsMax,
            "a crash known to all, seconds")
        demand(
            outcome.joinKnownSeconds.last, atMost: expect.joinKnownSeconds,
            "a new peer known to 99.9 %, seconds")
        demand(
            Double(outcome.falseDeaths), atMost: expect.falseDeathsMax.map(Double.init),
            "live peers declared dead")
        demand(
            outcome.bytesPerSecond, atMost: expect.bytesPerSecondMax, "bytes a second and peer")
        demand(
            outcome.convergedSeconds, atMost: expect.convergedSeconds,
            "seconds from the last fault until all believe the truth")
        if let graph = outcome.graph, graph.degreeMax > RingNeighbours.neighboursMax {
            violate("somebody has \(graph.degreeMax) neighbours")
        }
        let isWhole = outcome.convergedSeconds != nil
        if let graph = outcome.graph, isWhole, graph.connectedAtEnd < 1 {
            violate("neighbours connect \(graph.connectedAtEnd) of a fleet that is whole")
        }
    }

    private mutating func demand(_ value: Double?, atMost limit: Double?, _ what: String) {
        guard let limit else { return }
        guard let value else {
            violate("\(what): never, expected within \(limit)")
            return
        }
        if value > limit { violate("\(what): \(value), expected at most \(limit)") }
    }
}
