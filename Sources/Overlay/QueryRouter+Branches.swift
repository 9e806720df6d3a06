/// Opening, hearing and ending the branches of a query.
extension QueryRouter {
    mutating func start(
        _ asked: Query, neighbours: [Neighbour], asker: PeerURL?, alreadyAsked: Set<PeerURL>,
        now: Instant, _ effects: inout [Effect]
    ) {
        guard open[asked.id] == nil else {
            effects.append(.refused(asked.id, .duplicate))
            return
        }
        // Before it is remembered: it may come again by a way that finds us with time.
        guard open.count < configuration.openMax else {
            effects.append(.refused(asked.id, .busy))
            return
        }
        guard seen.insert(asked.id, now: now) else {
            effects.append(.refused(asked.id, .duplicate))
            return
        }
        let query = clamp(asked, now: now)
        open[query.id] = Open(query: query)
        effects.append(.searchHere(query))
        ask(
            neighbours, query, asker: asker, alreadyAsked: alreadyAsked, now: now, &effects)
        effects.append(.scheduleTick(at: query.deadline))
    }

    private func clamp(_ asked: Query, now: Instant) -> Query {
        var query = asked
        query.fanout = min(max(asked.fanout, 0), configuration.fanoutMax)
        query.ttl = min(max(asked.ttl, 0), configuration.ttlMax)
        query.deadline = min(asked.deadline, now + configuration.durationMax)
        return query
    }

    private mutating func ask(
        _ neighbours: [Neighbour], _ query: Query, asker: PeerURL?, alreadyAsked: Set<PeerURL>,
        now: Instant, _ effects: inout [Effect]
    ) {
        guard query.ttl > 0, query.fanout > 0 else { return }
        var skipped = alreadyAsked
        skipped.formUnion([own.url, query.origin])
        if let asker { skipped.insert(asker) }
        let chosen = choose(neighbours.filter { !skipped.contains($0.url) }, query.fanout)
        guard !chosen.isEmpty else { return }

        var forwarded = query
        forwarded.ttl -= 1
        forwarded.deadline = forwardedDeadline(query.deadline, now: now)
        guard forwarded.deadline > now else {
            open[query.id]?.coverage.truncated = true
            return
        }
        // Whoever is named here was asked with a TTL at least as high, so skipping it is safe.
        let hint = chosen.map(\.url) + [own.url] + skipped.sorted()
        let named = Set(hint.prefix(configuration.alreadyAskedMax)).sorted()
        for neighbour in chosen {
            open[query.id]?.branches[neighbour.url] = Branch(neighbour: neighbour)
            switch neighbour.speaks {
            case .p2p: effects.append(.ask(neighbour, forwarded, alreadyAsked: named))
            case .rest: effects.append(.listFiles(neighbour, forwarded))
            }
        }
    }

    /// Friends in their order, then the others in random order.
    private mutating func choose(_ candidates: [Neighbour], _ count: Int) -> [Neighbour] {
        var (taken, unique): (Set<PeerURL>, [Neighbour]) = ([], [])
        for candidate in candidates where taken.insert(candidate.url).inserted {
            unique.append(candidate)
        }
        let friends = unique.filter(\.isFriend)
        guard friends.count < count else { return Array(friends.prefix(count)) }
        let others = random.shuffle(unique.filter { !$0.isFriend })
        return friends + others.prefix(count - friends.count)
    }

    private func forwardedDeadline(_ deadline: Instant, now: Instant) -> Instant {
        let share = (deadline - now) * configuration.marginPercent / 100
        let margin = min(max(share, configuration.marginMin), configuration.marginMax)
        return deadline - margin
    }

    /// Whether the branch is open; it has spoken now.
    mutating func hear(_ id: QueryID, _ neighbour: PeerURL) -> Bool {
        guard open[id]?.branches[neighbour] != nil else { return false }
        open[id]?.branches[neighbour]?.hasSpoken = true
        return true
    }

    mutating func take(
        _ answer: Answer, from peer: PeerKey, _ id: QueryID, _ effects: inout [Effect]
    ) {
        guard open[id]?.answered.insert(peer) == true else {
            open[id]?.coverage.duplicates += 1
            return
        }
        guard let reached = open[id]?.coverage.reached, reached < configuration.recordsMax else {
            truncate(id, &effects)
            return
        }
        open[id]?.coverage.reached += 1
        effects.append(.emit(id, .answer(from: peer, answer)))
    }

    /// What neighbours say of this peer went in a circle: its own word comes from here alone.
    func isOwn(_ peer: PeerKey) -> Bool {
        peer.url == own.url || (peer.id != nil && peer.id == own.id)
    }

    mutating func fail(
        _ peer: PeerKey, reason: String, _ id: QueryID, _ effects: inout [Effect]
    ) {
        guard open[id]?.answered.contains(peer) == false,
            open[id]?.failed.insert(peer) == true
        else { return }
        guard let failures = open[id]?.failures.count, failures < configuration.recordsMax else {
            truncate(id, &effects)
            return
        }
        open[id]?.failures.append(peer)
        effects.append(.emit(id, .failure(peer, reason: reason)))
    }

    /// A branch that broke. If its neighbour had answered, it is what lies behind that is missing.
    mutating func lose(
        _ branch: Branch, reason: String, _ id: QueryID, _ effects: inout [Effect]
    ) {
        if open[id]?.answered.contains(branch.neighbour.key) == true {
            open[id]?.coverage.truncated = true
        }
        fail(branch.neighbour.key, reason: reason, id, &effects)
        effects.append(.unreachable(branch.neighbour.url, reason: reason))
    }

    mutating func cancelBranches(_ id: QueryID, _ effects: inout [Effect]) {
        for neighbour in (open[id]?.branches.keys).map({ $0.sorted() }) ?? [] {
            effects.append(.cancel(id, neighbour: neighbour))
        }
        open[id]?.branches = [:]
    }

    private mutating func truncate(_ id: QueryID, _ effects: inout [Effect]) {
        cancelBranches(id, &effects)
        open[id]?.isLocalPending = false
        open[id]?.coverage.truncated = true
        finishIfDone(id, &effects)
    }

    mutating func finishIfDone(_ id: QueryID, _ effects: inout [Effect]) {
        guard let query = open[id], !query.isLocalPending, query.branches.isEmpty else { return }
        open[id] = nil
        var coverage = query.coverage
        coverage.failed = query.failures.count { !query.answered.contains($0) }
        effects.append(.finished(id, coverage))
    }

    /// Ends what is past its deadline, naming everybody who is missing.
    mutating func expire(now: Instant, _ effects: inout [Effect]) {
        let late = open.filter { $0.value.query.deadline <= now }
        for (id, query) in late.sorted(by: { $0.key < $1.key }) {
            open[id]?.coverage.timedOut = true
            cancelBranches(id, &effects)
            if query.isLocalPending {
                open[id]?.isLocalPending = false
                fail(own, reason: Self.tooLate, id, &effects)
            }
            for (_, branch) in query.branches.sorted(by: { $0.key < $1.key }) {
                expire(branch, id, &effects)
            }
            finishIfDone(id, &effects)
        }
    }

    /// One that spoke is alive, and waits for what lies behind it.
    private mutating func expire(_ branch: Branch, _ id: QueryID, _ effects: inout [Effect]) {
        if branch.hasSpoken {
            open[id]?.coverage.truncated = true
            fail(branch.neighbour.key, reason: Self.tooLate, id, &effects)
        } else {
            lose(branch, reason: Self.tooLate, id, &effects)
        }
    }

    static var tooLate: String { "did not answer in time" }
}
