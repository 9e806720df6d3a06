/// What messages say, and what is made of it.
extension Swim {
    mutating func receive(_ message: SwimMessage, now: Instant, _ effects: inout [Effect]) {
        guard message.from.id != own.id else { return }
        let believed = table[message.from.id]
        hear(SwimUpdate(message.from), known: believed, now: now, &effects)
        for update in message.updates {
            hear(update, known: table[update.record.id], now: now, &effects)
        }
        answer(message, now: now, &effects)
        if let believed, believed.state != .alive, !message.from.supersedes(believed),
            message.from.state != .left, case .gossip = message.body
        {
            // It lives and does not know what is said of it; an answer of another kind tells it, too.
            send(.gossip, to: message.from.address, about: message.from.id, &effects)
        }
    }

    private mutating func answer(
        _ message: SwimMessage, now: Instant, _ effects: inout [Effect]
    ) {
        let (from, address) = (message.from.id, message.from.address)
        switch message.body {
        case .ping(let sequence, let target):
            // One that has left does not answer, so that those who missed its goodbye notice.
            guard target == own.id, phase == .running else { return }
            send(.ack(sequence: sequence), to: address, about: from, &effects)
        case .ack(let sequence):
            receiveAck(sequence, now: now, &effects)
        case .pingRequest(let sequence, let target, let targetAddress):
            relay(
                sequence, target: target, address: targetAddress, asker: address, now: now,
                &effects)
        case .missed(let sequence):
            receiveMissed(sequence)
        case .gossip:
            break
        case .digest(let theirs):
            compare(theirs, with: address, about: from, &effects)
        case .records(let records, let digest):
            for record in records {
                hear(SwimUpdate(record), known: table[record.id], now: now, &effects)
            }
            if let digest {
                let known = differing(from: digest)
                if !known.isEmpty {
                    send(.records(known, digest: nil), to: address, about: from, &effects)
                }
            }
        }
    }

    /// Takes what is news, drops the rest.
    private mutating func hear(
        _ update: SwimUpdate, known: SwimRecord?, now: Instant, _ effects: inout [Effect]
    ) {
        let record = update.record
        if record.id == own.id {
            contradict(record, now: now)
            return
        }
        guard let known else {
            // Of one that is dead or gone nothing has to be known.
            if record.state.isLive { apply(update, now: now, &effects) }
            return
        }
        if record.supersedes(known)
            || (configuration.plantedBug == .dropsIncarnationCheck && record.state != known.state)
        {
            apply(update, now: now, &effects)
        } else if record.state == .suspect, known.state == .suspect,
            record.incarnation == known.incarnation, let by = update.by
        {
            confirm(update, by: by)
        }
    }

    /// A suspicion that somebody else has as well, on its own, shortens the suspect's time.
    private mutating func confirm(_ update: SwimUpdate, by: PeerID) {
        guard let index = suspicions.firstIndex(where: { $0.id == update.record.id }),
            !suspicions[index].by.contains(by),
            suspicions[index].by.count <= configuration.confirmations
        else { return }
        suspicions[index].by.append(by)
        pending.enqueue(update, limit: configuration.pendingMax)
    }

    /// Something is said of this peer. Whatever is not the truth is overruled by a new incarnation.
    private mutating func contradict(_ record: SwimRecord, now: Instant) {
        guard phase == .running, configuration.plantedBug != .forgetsToRefute,
            record.incarnation >= own.incarnation, record != own
        else { return }
        own.incarnation = record.incarnation.next
        // Whoever is suspected may be slow itself (Lifeguard §IV-A).
        if record.state == .suspect { changeHealth(by: 1) }
        pending.enqueue(SwimUpdate(own), limit: configuration.pendingMax)
        nextGossip = min(nextGossip, now)
    }

    /// Believes `update`, starts or ends what follows from it, and passes it on.
    mutating func apply(_ update: SwimUpdate, now: Instant, _ effects: inout [Effect]) {
        let record = update.record
        let known = table[record.id]
        guard known != nil || makeRoom(&effects) else {
            refusedCount += 1
            return
        }
        if pending.isEmpty { nextGossip = max(nextGossip, now) }
        table.update(record)
        pending.enqueue(update, limit: configuration.pendingMax)
        if record.state == .suspect, known?.state == .suspect,
            known?.incarnation == record.incarnation
        {
            // Our own probe failed, too; there may have been no room for its clock so far.
            if !suspicions.contains(where: { $0.id == record.id }) {
                suspect(update, now: now)
            } else if let by = update.by {
                confirm(update, by: by)
            }
            return
        }
        suspicions.removeAll { $0.id == record.id }
        gone.removeAll { $0.id == record.id }
        switch record.state {
        case .alive: break
        case .suspect: suspect(update, now: now)
        case .dead, .left: gone.append(Gone(id: record.id, since: now))
        }
        if known?.state != record.state || known?.incarnation.boot != record.incarnation.boot {
            effects.append(.changed(record, from: known?.state))
        }
    }

    mutating func suspect(_ update: SwimUpdate, now: Instant) {
        guard suspicions.count < configuration.suspicionsMax else { return }
        suspicions.append(
            Suspicion(id: update.record.id, since: now, by: [update.by ?? own.id]))
        if update.by != own.id, random.next(below: liveCount) < configuration.lookers {
            probeOutOfTurn(update.record.id)
        }
    }

    /// Whether one more member has its place; the longest gone gives way for it.
    private mutating func makeRoom(_ effects: inout [Effect]) -> Bool {
        guard table.count >= configuration.membersMax else { return true }
        guard let oldest = gone.first else { return false }
        gone.removeFirst()
        forget([oldest.id], &effects)
        return true
    }

    mutating func forgetGone(now: Instant, _ effects: inout [Effect]) {
        let old = gone.prefix { now - $0.since >= configuration.forgetAfter }.map(\.id)
        guard !old.isEmpty else { return }
        gone.removeFirst(old.count)
        forget(old, &effects)
    }

    private mutating func forget(_ ids: [PeerID], _ effects: inout [Effect]) {
        let forgotten = Set(ids)
        table.compact { !forgotten.contains($0.id) }
        probing.left = 0
        for id in ids { effects.append(.forgotten(id)) }
    }
}

/// Comparing with others: what gossip has missed, and who was cut off.
extension Swim {
    mutating func sync(now: Instant, _ effects: inout [Effect]) {
        nextSync = now + random.jitter(configuration.syncInterval, percent: 20)
        for member in randomMembers(1, where: { $0.state == .alive }) {
            send(.digest(ownDigest), to: member.address, about: member.id, &effects)
        }
    }

    /// Tries one of the dead, and a friend that is no living member: it may be back, or cut off.
    mutating func reconnect(now: Instant, _ effects: inout [Effect]) {
        nextReconnect = now + random.jitter(configuration.reconnectInterval, percent: 20)
        if !gone.isEmpty {
            let place = random.next(below: gone.count)
            if let record = table[gone[place].id], record.state == .dead {
                send(.digest(ownDigest), to: record.address, about: record.id, &effects)
            }
        }
        guard !friends.isEmpty else { return }
        let friend = friends[random.next(below: friends.count)]
        if liveCount == 1 || !isKnownLive(friend) {
            send(.digest(ownDigest), to: friend, &effects)
        }
    }

    /// Looks through the table; only while a friend may be missing, every few seconds.
    private func isKnownLive(_ address: String) -> Bool {
        (0..<table.count).contains { place in
            let record = table.record(at: place)
            return record.address == address && record.state.isLive
        }
    }

    /// The table's, with this peer in it as it is now: others have it in their tables.
    var ownDigest: [UInt64] {
        var whole = table
        whole.update(own)
        return whole.digest
    }

    mutating func compare(
        _ theirs: [UInt64], with address: String, about id: PeerID, _ effects: inout [Effect]
    ) {
        let known = differing(from: theirs)
        guard !known.isEmpty || table[id]?.state != .alive else { return }
        send(.records(known, digest: ownDigest), to: address, about: id, &effects)
    }

    /// All that is known, this peer included, in buckets whose digests differ.
    private func differing(from theirs: [UInt64]) -> [SwimRecord] {
        let ours = ownDigest
        guard theirs.count == ours.count else { return [] }
        let buckets = ours.indices.filter { ours[$0] != theirs[$0] }
        let ownBucket = Int(own.id.first >> 56)
        return buckets.flatMap { bucket in
            table.records(inBucket: bucket).filter { $0.id != own.id }
                + (bucket == ownBucket ? [own] : [])
        }
    }
}
