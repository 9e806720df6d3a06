/// Sources: taken in, blamed, looked for, and given up.
extension DownloadPlan {
    mutating func takeSearch(_ offers: [SourceOffer], now: Duration) {
        isSearching = false
        let isNews = offers.reduce(false) { isNews, offer in admit(offer, now: now) || isNews }
        fruitlessSearches = isNews ? 0 : fruitlessSearches + 1
        quietSearches = isNews ? 0 : quietSearches + 1
        nextSearch = now + configuration.searchInterval * (1 << min(quietSearches, 5))
    }

    /// - Returns: Whether it was not known before.
    @discardableResult
    mutating func admit(_ offer: SourceOffer, now: Duration) -> Bool {
        let known = sources.firstIndex { $0.offer.candidate.id == offer.candidate.id }
        guard let known else {
            guard sources.count < configuration.sourcesMax else { return false }
            sources.append(SourceRecord(offer: offer))
            layOut(sources.count - 1)
            return true
        }
        let hasMoved = sources[known].offer.candidate != offer.candidate
        let isAsked = requests.values.contains { $0.source == known }
        guard !hasMoved || !isAsked else { return false }
        sources[known].offer = offer
        layOut(known)
        if sources[known].verdict == .out {
            sources[known].failures = configuration.attemptsMax - 1
            setVerdict(.usable, of: known)
        }
        return false
    }

    // MARK: - Blame

    /// It may do better later.
    mutating func fail(_ source: Int, _ reason: FetchReason, now: Duration) -> [Effect] {
        let effects = cancelRequests(of: source, now: now)
        sources[source].reason = reason
        sources[source].failures += 1
        let failures = sources[source].failures
        if failures >= configuration.attemptsMax {
            setVerdict(.out, of: source)
        } else {
            let pause = configuration.backoffMin * (1 << min(failures - 1, 16))
            sources[source].restsUntil = now + min(pause, configuration.backoffMax)
        }
        return effects
    }

    /// It is not asked again.
    mutating func rule(
        out source: Int, _ verdict: SourceRecord.Verdict, _ reason: FetchReason, now: Duration
    ) -> [Effect] {
        let effects = cancelRequests(of: source, now: now)
        sources[source].reason = reason
        setVerdict(verdict, of: source)
        if verdict == .out { return effects }
        return effects + [.ban(sources[source].offer.candidate, reason)]
    }

    mutating func relieveStalled(now: Duration) -> [Effect] {
        for request in requests.values { sources[request.source].meter.measure(now: now) }
        var effects: [Effect] = []
        for source in sources.indices {
            let heard = requests.values.filter { $0.source == source }.map(\.lastBytes).max()
            guard let heard, now - heard >= configuration.stallTimeout else { continue }
            effects += fail(source, .stalled, now: now)
        }
        return effects
    }

    mutating func setVerdict(_ verdict: SourceRecord.Verdict, of source: Int) {
        let old = partialPieces(of: source)
        sources[source].verdict = verdict
        recount(from: old, to: partialPieces(of: source))
    }

    /// What a source adds to the count of how rare pieces are.
    func partialPieces(of source: Int) -> PieceSet? {
        let record = sources[source]
        guard record.verdict == .usable, !record.offer.isWhole else { return nil }
        return record.pieces
    }

    mutating func recount(from old: PieceSet?, to new: PieceSet?) {
        guard let pieceCount = description?.layout.pieceCount, old != new else { return }
        if let old, old.pieceCount == pieceCount { description?.picker.removePartialSource(old) }
        if let new { description?.picker.addPartialSource(new) }
    }

    // MARK: - Looking for more

    /// Looks for more where few are in use, and gives up where none can help and none is found.
    mutating func search(now: Duration) -> [Effect] {
        let isStuck = requests.isEmpty && !sources.contains { $0.restsAndMayHelp(now: now) }
        if isSearching { return [] }
        if isStuck, fruitlessSearches >= searchesMax { return giveUp(now: now) }
        let usable = sources.count { $0.verdict == .usable }
        let isDue = usable < configuration.sourcesWanted && now >= nextSearch
        guard isDue || (isStuck && (fruitlessSearches == 0 || now >= nextSearch)) else { return [] }
        isSearching = true
        return [.findSources]
    }

    /// Who has a part of the file may soon have more.
    private var searchesMax: Int {
        let isWorthWaiting = sources.contains { $0.verdict == .usable && !$0.offer.isWhole }
        return isWorthWaiting
            ? configuration.fruitlessSearchesMax : configuration.fruitlessSearchesMin
    }

    /// The last suspicion, before it has failed: the manifest may be what was wrong.
    private mutating func giveUp(now: Duration) -> [Effect] {
        let hasAccused = sources.contains { $0.verdict == .banned }
        let hasAnother = sources.contains { source in
            guard !source.hasGivenManifest else { return false }
            switch source.verdict {
            case .usable: return hasAccused || source.pieces == nil
            case .banned: return true
            case .out, .condemned: return false
            }
        }
        if state == .fetching, hasAnother {
            return disown(isProved: false, now: now) + proceed(now: now)
        }
        return finish(.sourcesFailed(failures))
    }

    private var failures: [FetchFailure] {
        sources.map { record in
            FetchFailure(
                peer: record.offer.candidate.peer, path: record.offer.candidate.path,
                reason: record.reason ?? (record.isProven ? .lacksPieces : .notTried))
        }
    }
}

extension SourceRecord {
    /// It failed lately, and is asked again when its rest is over.
    fileprivate func restsAndMayHelp(now: Duration) -> Bool {
        verdict == .usable && restsUntil > now
    }
}
