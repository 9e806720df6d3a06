/// Dividing an arc, and asking for its parts.
extension FleetSearch {
    mutating func start(
        _ job: Job, _ asked: FleetQuery, _ arc: Arc, fleet: MemberTable,
        summaries: SummaryStore, now: Instant, _ effects: inout [Effect]
    ) {
        guard open[job] == nil, open.count < configuration.openMax else {
            effects.append(.refused(job))
            return
        }
        var query = asked
        query.fanout = min(max(asked.fanout, 0), configuration.fanoutMax)
        query.ttl = min(max(asked.ttl, 0), configuration.ttlMax)
        query.deadline = min(asked.deadline, now + configuration.durationMax)
        open[job] = Open(query: query)
        open[job]?.coverage.known = 1
        if seen.insert(query.id, now: now) || configuration.plantedBug == .answersTwice {
            open[job]?.isLocalPending = true
            effects.append(.searchHere(job, query))
        } else {
            open[job]?.coverage.duplicates += 1
        }
        let members = fleet.records(from: arc.low, through: arc.high).filter {
            $0.state.isLive && $0.id != own && $0.id != query.origin
        }
        divide(members, job, query, summaries: summaries, now: now, &effects)
        finishIfDone(job, &effects)
    }

    private mutating func divide(
        _ members: [SwimRecord], _ job: Job, _ query: FleetQuery, summaries: SummaryStore,
        now: Instant, _ effects: inout [Effect]
    ) {
        let keys = query.filter.keys
        let mayMatch = members.map { summaries.mayMatch($0, keys: keys, now: now) }
        let candidates = zip(members, mayMatch).filter(\.1).map(\.0)
        if candidates.count <= min(query.fanout, configuration.partMax) || query.ttl == 0 {
            open[job]?.coverage.known += members.count - candidates.count
            open[job]?.coverage.pruned += members.count - candidates.count
            let left = answerFromCache(candidates, job, query, summaries, now: now, &effects)
            askEach(left, job, query, now: now, &effects)
            return
        }
        let wanted = (members.count + configuration.partMax - 1) / configuration.partMax
        let count = max(1, min(query.fanout, max(2, wanted)))
        let pieces = pieces(of: members, count: count)
        let divided = pieces.reduce(0) { $0 + $1.count }
        if divided < members.count { leaveOut(members.count - divided, job) }
        var affordable = query.budget
        let shared = max(0, query.budget - count)
        for piece in random.shuffle(pieces) {
            guard mayMatch[piece].contains(true) else {
                open[job]?.coverage.known += piece.count
                open[job]?.coverage.pruned += piece.count
                continue
            }
            guard affordable > 0 else {
                leaveOut(piece.count, job)
                continue
            }
            affordable -= 1
            let part = Part(
                members: Array(members[piece]), budget: shared * piece.count / members.count)
            add(part, job, now: now, &effects)
        }
    }

    /// Even pieces, none of which has this peer between its ends: it would be counted in there again. With one
    /// piece alone that is the longer side, and the other is left out.
    private func pieces(of members: [SwimRecord], count: Int) -> [Range<Int>] {
        var cuts = (0...count).map { members.count * $0 / count }
        let place = members.firstIndex { $0.id > own } ?? members.count
        if (1..<members.count).contains(place) {
            if count == 1 {
                let isFirstLonger = 2 * place >= members.count
                return [isFirstLonger ? 0..<place : place..<members.count]
            }
            let nearest = (1..<count).min { abs(cuts[$0] - place) < abs(cuts[$1] - place) }
            if let nearest { cuts[nearest] = place }
        }
        return (0..<count).map { cuts[$0]..<cuts[$0 + 1] }.filter { !$0.isEmpty }
    }

    /// The last hop: those that may match, one by one.
    private mutating func askEach(
        _ candidates: [SwimRecord], _ job: Job, _ query: FleetQuery, now: Instant,
        _ effects: inout [Effect]
    ) {
        let affordable = query.ttl == 0 ? 0 : min(candidates.count, max(0, query.budget))
        let asked = affordable < candidates.count ? random.shuffle(candidates) : candidates
        for member in asked.prefix(affordable) {
            add(Part(members: [member], budget: 0), job, now: now, &effects)
        }
        if affordable < candidates.count { leaveOut(candidates.count - affordable, job) }
    }

    private mutating func leaveOut(_ count: Int, _ job: Job) {
        open[job]?.coverage.known += count
        open[job]?.coverage.truncated = true
    }

    private mutating func add(
        _ part: Part, _ job: Job, now: Instant, _ effects: inout [Effect]
    ) {
        guard let index = open[job]?.parts.count else { return }
        open[job]?.parts.append(part)
        if !ask(job, part: index, now: now, &effects) {
            // No time is left for anybody, or enough was found.
            open[job]?.parts[index].coverage = Self.unreached(part)
        }
    }

    static func unreached(_ part: Part) -> FleetCoverage {
        var coverage = FleetCoverage()
        coverage.known = part.members.count
        coverage.truncated = true
        return coverage
    }

    /// Gives the part to the member nearest to its middle that was not tried; false where there is
    /// none, or no time.
    mutating func ask(
        _ job: Job, part index: Int, now: Instant, _ effects: inout [Effect]
    ) -> Bool {
        guard let current = open[job], !current.isStopped else { return false }
        let part = current.parts[index]
        var query = current.query
        query.ttl -= 1
        query.budget = part.budget
        query.deadline = query.deadline - configuration.margin
        let middle = part.members.count / 2
        let untried = part.members.indices.filter { !part.tried.contains(part.members[$0].id) }
        let best = untried.min { one, other in
            (part.members[one].state, abs(one - middle), one)
                < (part.members[other].state, abs(other - middle), other)
        }
        guard let best, query.deadline > now else { return false }
        let number = current.partOf.count
        let member = part.members[best]
        open[job]?.partOf[number] = index
        open[job]?.parts[index].tried.insert(member.id)
        open[job]?.parts[index].open[number] =
            part.members.count > 1 ? now + configuration.hedgeAfter : .distant
        open[job]?.coverage.asked += 1
        effects.append(.ask(Branch(job: job, number: number), member, query, part.arc))
        return true
    }
}
