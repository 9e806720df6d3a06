/// What comes back.
extension FleetSearch {
    /// Passes hits on: the first at once, later ones gathered.
    mutating func take(
        _ hits: [Hit], _ job: Job, now: Instant, _ effects: inout [Effect]
    ) {
        guard let room = open[job].map({ configuration.answersMax - $0.answered.count })
        else { return }
        var news: [Hit] = []
        for hit in hits {
            if open[job]?.answered.contains(hit.from) == true { continue }
            guard news.count < room else {
                open[job]?.coverage.truncated = true
                break
            }
            open[job]?.answered.insert(hit.from)
            open[job]?.files += hit.files
            news.append(hit)
        }
        guard !news.isEmpty else { return }
        open[job]?.waiting += news
        if let limit = open[job]?.query.limit, open[job].map({ $0.files >= limit }) == true {
            stop(job, &effects)
        }
        guard let current = open[job], current.gatheredAt == nil, !isDone(current) else { return }
        flush(job, now: now, &effects)
    }

    mutating func flush(_ job: Job, now: Instant, _ effects: inout [Effect]) {
        guard let waiting = open[job]?.waiting else { return }
        open[job]?.waiting = []
        open[job]?.gatheredAt = waiting.isEmpty ? nil : now + configuration.gatherFor
        if !waiting.isEmpty { effects.append(.emit(job, waiting)) }
    }

    /// Two that answered for one part have each searched other peers, since nobody searches twice.
    mutating func end(_ branch: Branch, of index: Int, _ coverage: FleetCoverage) {
        open[branch.job]?.parts[index].open[branch.number] = nil
        guard var sum = open[branch.job]?.parts[index].coverage else {
            open[branch.job]?.parts[index].coverage = coverage
            return
        }
        sum.reached += coverage.reached
        sum.known = max(sum.known, coverage.known)
        // Each may have pruned the other, or have found it silent.
        var rest = max(0, sum.known - sum.reached)
        func most(_ count: KeyPath<FleetCoverage, Int>) -> Int {
            let most = min(max(sum[keyPath: count], coverage[keyPath: count]), rest)
            rest -= most
            return most
        }
        sum.cached = most(\.cached)
        sum.pruned = most(\.pruned)
        sum.failed = most(\.failed)
        sum.duplicates += coverage.duplicates
        sum.asked += coverage.asked
        sum.truncated = sum.truncated && coverage.truncated
        open[branch.job]?.parts[index].coverage = sum
    }

    mutating func fail(
        _ branch: Branch, of index: Int, now: Instant, _ effects: inout [Effect]
    ) {
        let job = branch.job
        open[job]?.parts[index].open[branch.number] = nil
        open[job]?.parts[index].failed += 1
        guard let part = open[job]?.parts[index], part.coverage == nil, part.open.isEmpty
        else { return }
        let isSpent = part.tried.count >= configuration.attemptsMax
        if isSpent || !ask(job, part: index, now: now, &effects) {
            var coverage = FleetCoverage()
            coverage.known = part.members.count
            coverage.failed = part.failed
            coverage.truncated = part.failed < part.members.count
            open[job]?.parts[index].coverage = coverage
        }
    }

    mutating func tick(_ job: Job, now: Instant, _ effects: inout [Effect]) {
        guard let current = open[job] else { return }
        if current.query.deadline <= now {
            expire(job, &effects)
            return
        }
        if let gatheredAt = current.gatheredAt, gatheredAt <= now { flush(job, now: now, &effects) }
        for (index, part) in current.parts.enumerated() {
            for (number, hedgeAt) in part.open.sorted(by: { $0.key < $1.key })
            where hedgeAt <= now {
                open[job]?.parts[index].open[number] = .distant
                if part.tried.count < configuration.attemptsMax {
                    _ = ask(job, part: index, now: now, &effects)
                }
            }
        }
    }

    /// The deadline: whoever is missing has failed.
    private mutating func expire(_ job: Job, _ effects: inout [Effect]) {
        for index in open[job]?.parts.indices ?? 0..<0 {
            guard let part = open[job]?.parts[index], part.coverage == nil else { continue }
            var coverage = Self.unreached(part)
            coverage.failed = min(coverage.known, part.tried.count)
            open[job]?.parts[index].coverage = coverage
        }
        stop(job, &effects)
        finishIfDone(job, &effects)
    }

    /// Ends what is still under way: nobody is waited for any more.
    private mutating func stop(_ job: Job, _ effects: inout [Effect]) {
        cancelBranches(job, &effects)
        guard var current = open[job], !isDone(current) else { return }
        current.isLocalPending = false
        current.isStopped = true
        current.coverage.truncated = true
        for index in current.parts.indices {
            let part = current.parts[index]
            current.parts[index].coverage = part.coverage ?? Self.unreached(part)
            current.parts[index].open = [:]
        }
        open[job] = current
    }

    mutating func cancelBranches(_ job: Job, _ effects: inout [Effect]) {
        let numbers = open[job]?.parts.flatMap(\.open.keys).sorted() ?? []
        for number in numbers { effects.append(.cancel(Branch(job: job, number: number))) }
    }

    /// Whoever was tried for a part is waited for, until the deadline: what it has found is found by
    /// nobody else.
    private func isDone(_ job: Open) -> Bool {
        !job.isLocalPending && job.parts.allSatisfy { $0.open.isEmpty }
    }

    mutating func finishIfDone(_ job: Job, _ effects: inout [Effect]) {
        guard let current = open[job], isDone(current) else { return }
        var coverage = current.coverage
        for part in current.parts { if let own = part.coverage { coverage.add(own) } }
        open[job] = nil
        effects.append(.finished(job, current.waiting, coverage))
    }
}
