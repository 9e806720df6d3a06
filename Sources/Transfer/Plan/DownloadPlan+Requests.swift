/// Requests: what is asked of whom, and what comes of it.
extension DownloadPlan {
    // MARK: - Asking

    mutating func askForPieces(now: Duration) -> [Effect] {
        var effects: [Effect] = []
        for source in sources.indices where sources[source].isReady(now: now) {
            effects += fillPipeline(of: source, now: now)
        }
        guard description?.picker.free.isEmpty == true else { return effects }
        for source in sources.indices
        where sources[source].isReady(now: now) && sources[source].outstanding == 0 {
            effects += askInEndGame(source, now: now)
        }
        return effects
    }

    /// In runs of half a pipeline, so that the next run is asked for while one is under way.
    private mutating func fillPipeline(of source: Int, now: Duration) -> [Effect] {
        guard let pieces = sources[source].pieces else { return [] }
        var effects: [Effect] = []
        let depth = sources[source].depth(configuration)
        while sources[source].outstanding <= depth / 2 {
            let room = depth - sources[source].outstanding
            let run = description?.picker.next(
                of: pieces, avoiding: shunned(by: source),
                limit: max(1, min(room, share(of: source, now: now))))
            guard let run else { break }
            effects.append(ask(source, for: run, now: now))
        }
        return effects
    }

    /// Of the pieces that nobody was asked for yet, as many as fit the source's part of the speed of
    /// all, so that they end together.
    private func share(of source: Int, now: Duration) -> Int {
        let free = description?.picker.free.count ?? 0
        let ready = sources.filter { $0.pieces != nil && $0.isReady(now: now) }
        let known = ready.map(\.bytesPerSecond).filter { $0 > 0 }
        let mean = known.isEmpty ? 1 : max(1, known.reduce(0, +) / Int64(known.count))
        let own = sources[source].bytesPerSecond > 0 ? sources[source].bytesPerSecond : mean
        let all = ready.reduce(0) { $0 + Double($1.bytesPerSecond > 0 ? $1.bytesPerSecond : mean) }
        return Int((Double(free) * Double(own) / all).rounded(.up))
    }

    /// A piece that came wrong is not tried with a source that has proved nothing yet, as long as
    /// another has it that gave a right one.
    private func shunned(by source: Int) -> PieceSet? {
        guard !sources[source].isProven, let bad = description?.picker.bad, !bad.isEmpty
        else { return nil }
        var shunned = PieceSet(pieceCount: bad.pieceCount)
        for record in sources where record.isProven && record.verdict == .usable {
            guard let pieces = record.pieces else { continue }
            for piece in bad.intersection(pieces).pieces { shunned.insert(piece) }
        }
        return shunned
    }

    private mutating func ask(_ source: Int, for run: Range<Int>, now: Duration) -> Effect {
        let request = open(source: source, pieces: run, now: now)
        return .request(request, sources[source].offer.candidate, pieces: run)
    }

    /// - Parameter pieces: nil for the manifest.
    /// - Returns: The request's number.
    mutating func open(source: Int, pieces: Range<Int>?, now: Duration) -> Int {
        let request = nextRequest
        nextRequest += 1
        requests[request] = Request(
            source: source, begin: now, waiting: Array(pieces ?? 0..<0), isManifest: pieces == nil,
            lastBytes: now)
        if let pieces { description?.picker.markRequested(pieces) }
        sources[source].outstanding += pieces?.count ?? 0
        sources[source].meter.start(now: now)
        return request
    }

    // MARK: - The end game

    /// All is asked for: who has nothing to do is asked for what another keeps us waiting for.
    private mutating func askInEndGame(_ source: Int, now: Duration) -> [Effect] {
        guard let pieces = sources[source].pieces, let picker = description?.picker else {
            return []
        }
        let shunned = shunned(by: source)
        let own = expectedWait(for: 0, of: source, begin: now, lastBytes: now, now: now)
        var latest: (piece: Int, wait: Duration)?
        for (_, request) in requests.sorted(by: { $0.key < $1.key }) where !request.isManifest {
            for (position, piece) in request.waiting.enumerated() {
                let wait = expectedWait(
                    for: position, of: request.source, begin: request.begin,
                    lastBytes: request.lastBytes, now: now)
                guard wait > own * 2, wait > latest?.wait ?? .zero, pieces.contains(piece),
                    shunned?.contains(piece) != true,
                    picker.copies(of: piece) < configuration.endGameCopiesMax
                else { continue }
                latest = (piece, wait)
            }
        }
        guard let latest else { return [] }
        return [ask(source, for: latest.piece..<latest.piece + 1, now: now)]
    }

    /// Until a source has sent the piece at `position` of a request's.
    private func expectedWait(
        for position: Int, of source: Int, begin: Duration, lastBytes: Duration, now: Duration
    ) -> Duration {
        /// Silence for so long says more than a speed that was measured before.
        let patience = Duration.seconds(2)
        if now - lastBytes > patience { return configuration.stallTimeout }
        let rate = sources[source].bytesPerSecond
        guard rate > 0 else { return now - begin > patience ? configuration.stallTimeout : .zero }
        let seconds = Double(position + 1) * Double(PieceLayout.pieceBytes) / Double(rate)
        return .seconds(min(seconds, configuration.stallTimeout / .seconds(1)))
    }

    // MARK: - What comes

    mutating func note(_ count: Int, of request: Int, now: Duration) {
        guard let source = requests[request]?.source, count > 0 else { return }
        requests[request]?.lastBytes = now
        sources[source].meter.add(count, now: now)
    }

    mutating func take(_ piece: Int, of request: Int, now: Duration) -> [Effect] {
        guard let source = requests[request]?.source, arrive(piece, of: request) else { return [] }
        description?.picker.markVerified(piece)
        var effects: [Effect] = []
        let isOvertaken = requests[request]?.isOvertaken == true
        if drop(piece, of: request, now: now), isOvertaken {
            effects.append(.cancel(request: request))
        }
        sources[source].piecesGiven += 1
        sources[source].failures = 0
        fruitlessSearches = 0
        let others = requests.filter { $0.value.waiting.contains(piece) }.keys.sorted()
        for other in others {
            requests[other]?.isOvertaken = true
            if drop(piece, of: other, now: now) { effects.append(.cancel(request: other)) }
        }
        return effects + proceed(now: now)
    }

    mutating func condemn(_ piece: Int, of request: Int, now: Duration) -> [Effect] {
        guard let source = requests[request]?.source, arrive(piece, of: request) else { return [] }
        description?.picker.markBad(piece)
        return rule(out: source, .banned, .badPiece(piece), now: now) + proceed(now: now)
    }

    /// - Returns: Whether the piece was asked for.
    private mutating func arrive(_ piece: Int, of request: Int) -> Bool {
        guard requests[request]?.waiting.contains(piece) == true,
            let arrivals = description?.arrivals[piece]
        else { return false }
        description?.arrivals[piece] = arrivals == .max ? .max : arrivals + 1
        return true
    }

    /// The request need not bring this piece any more.
    ///
    /// - Returns: Whether it has nothing left to bring, and is closed.
    private mutating func drop(_ piece: Int, of request: Int, now: Duration) -> Bool {
        guard let source = requests[request]?.source else { return false }
        requests[request]?.waiting.removeAll { $0 == piece }
        sources[source].outstanding -= 1
        description?.picker.release(piece)
        guard requests[request]?.waiting.isEmpty == true else { return false }
        close(request, now: now)
        return true
    }

    // MARK: - Ends

    /// The stream is over, and something of it is missing.
    mutating func end(_ request: Int, now: Duration) -> [Effect] {
        guard let asked = requests[request] else { return [] }
        guard !asked.isManifest, let layout = description?.layout else {
            return end(request, by: .failed("ended before its manifest was complete"), now: now)
        }
        let missing = asked.waiting.reduce(0) { $0 + layout.bytes(of: $1).count }
        return end(request, by: .endedShort(missing: Int64(missing)), now: now)
    }

    mutating func end(_ request: Int, by reason: FetchReason, now: Duration) -> [Effect] {
        guard let asked = requests[request] else { return [] }
        let source = asked.source
        close(request, now: now)
        switch reason {
        case .refused where asked.isManifest:
            // Of an older version, perhaps: it may give pieces that another describes.
            sources[source].hasGivenManifest = true
            if sources[source].reason != .mismatch { sources[source].reason = reason }
            return []
        case .refused:
            return rule(out: source, .out, reason, now: now)
        case .sentTooMuch, .badManifest:
            return rule(out: source, .condemned, reason, now: now)
        case .failed, .stalled, .endedShort, .mismatch, .shorterThanReceived, .notTried, .badPiece,
            .manifestMismatch, .lacksPieces:
            return fail(source, reason, now: now)
        }
    }

    mutating func cancelRequests(of source: Int, now: Duration) -> [Effect] {
        let own = requests.filter { $0.value.source == source }.keys.sorted()
        for request in own { close(request, now: now) }
        return own.map { .cancel(request: $0) }
    }

    mutating func cancelAll(now: Duration) -> [Effect] {
        let all = requests.keys.sorted()
        for request in all { close(request, now: now) }
        return all.map { .cancel(request: $0) }
    }

    /// What it has not brought is free again.
    mutating func close(_ request: Int, now: Duration) {
        guard let asked = requests.removeValue(forKey: request) else { return }
        for piece in asked.waiting { description?.picker.release(piece) }
        sources[asked.source].outstanding -= asked.waiting.count
        if !requests.values.contains(where: { $0.source == asked.source }) {
            sources[asked.source].meter.stop(now: now)
        }
    }
}
