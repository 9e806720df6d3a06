/// Answers of single peers, kept for as long as their catalogs have not changed.
extension FleetSearch {
    /// Takes what is kept of the answers of `candidates`.
    ///
    /// - Returns: Those that are to be asked.
    mutating func answerFromCache(
        _ candidates: [SwimRecord], _ job: Job, _ query: FleetQuery, _ summaries: SummaryStore,
        now: Instant, _ effects: inout [Effect]
    ) -> [SwimRecord] {
        guard cache.count > 0 else { return candidates }
        var hits: [Hit] = []
        let left = candidates.filter { member in
            guard let version = summaries.catalogVersion(of: member, now: now),
                let entry = cache.entry(
                    AnswerCache.Key(peer: member.id, filter: query.filter), version: version)
            else { return true }
            if let answer = entry.answer {
                hits.append(Hit(from: member.id, answer: answer, files: entry.files))
            }
            return false
        }
        open[job]?.coverage.known += candidates.count - left.count
        open[job]?.coverage.cached += candidates.count - left.count
        take(hits, job, now: now, &effects)
        return left
    }

    /// Keeps the answer of a part that is one peer, where that says which state of its catalog it is of.
    mutating func keep(_ hits: [Hit], _ coverage: FleetCoverage, of index: Int, _ job: Job) {
        guard let current = open[job], current.parts[index].members.count == 1,
            let member = current.parts[index].members.first, let version = coverage.catalog,
            coverage.reached == 1
        else { return }
        let hit = hits.first { $0.from == member.id }
        cache.store(
            AnswerCache.Key(peer: member.id, filter: current.query.filter), version: version,
            answer: hit?.answer, files: hit?.files ?? 0)
    }
}
