/// Manifests: who is asked, what is there by them, and when one was a lie.
extension DownloadPlan {
    // MARK: - On trust

    /// Of the size that most whole sources announce.
    mutating func startOnTrust(now: Duration) -> [Effect] {
        nextSearch = now + configuration.searchInterval
        let sizes = sources.filter { $0.offer.isWhole }.map { $0.offer.candidate.size }
        let votes = Dictionary(grouping: sizes) { $0 }.mapValues(\.count)
        let size = sizes.max { (votes[$0] ?? 0) < (votes[$1] ?? 0) }
        guard let size, PieceLayout(size: size).pieceCount > 1 else {
            state = .describing
            return proceed(now: now)
        }
        let layout = PieceLayout(size: size)
        adopt(Description(giver: nil, layout: layout, seed: seed, isOnTrust: true))
        state = .checking(isSuspect: false)
        return [.use(manifest: nil, size: size), .check]
    }

    /// All came, and the whole is not what is wanted. Nobody is blamed yet: by a manifest whoever sends a
    /// wrong piece again is found out, and what is right stays.
    mutating func loseTrust(now: Duration) -> [Effect] {
        for source in sources.indices where sources[source].isProven {
            sources[source].reason = .mismatch
            sources[source].piecesGiven = 0
        }
        description = nil
        for source in sources.indices { layOut(source) }
        state = .describing
        return proceed(now: now)
    }

    // MARK: - Manifests

    /// Asks the source that failed least, one at a time. A file of at most one piece is described by
    /// its size alone.
    mutating func askForManifest(now: Duration) -> [Effect] {
        guard requests.isEmpty else { return [] }
        let ready = sources.indices.filter {
            sources[$0].isReady(now: now) && !sources[$0].hasGivenManifest
        }
        let best = ready.min {
            (sources[$0].failures, sources[$0].offer.isWhole ? 0 : 1, $0)
                < (sources[$1].failures, sources[$1].offer.isWhole ? 0 : 1, $1)
        }
        guard let best else { return [] }
        let candidate = sources[best].offer.candidate
        if PieceLayout(size: candidate.size).pieceCount <= 1 {
            return use(nil, of: best)
        }
        let request = open(source: best, pieces: nil, now: now)
        return [.fetchManifest(request: request, candidate)]
    }

    mutating func describe(by request: Int, now: Duration) -> [Effect] {
        guard let asked = requests[request], asked.isManifest else { return [] }
        close(request, now: now)
        sources[asked.source].failures = 0
        return use(request, of: asked.source)
    }

    private mutating func use(_ request: Int?, of giver: Int) -> [Effect] {
        let size = sources[giver].offer.candidate.size
        sources[giver].hasGivenManifest = true
        adopt(Description(giver: giver, layout: PieceLayout(size: size), seed: seed))
        state = .checking(isSuspect: false)
        return [.use(manifest: request, size: size), .check]
    }

    /// Sources are measured by the new layout; nothing is there yet.
    mutating func adopt(_ new: Description) {
        for source in sources.indices { sources[source].pieces = nil }
        description = new
        for source in sources.indices { layOut(source) }
    }

    /// Brings what a source has into the layout in use.
    mutating func layOut(_ source: Int) {
        guard let layout = description?.layout else {
            sources[source].pieces = nil
            return
        }
        let old = partialPieces(of: source)
        sources[source].pieces = sources[source].offer.pieces(of: layout)
        recount(from: old, to: partialPieces(of: source))
    }

    mutating func take(checked pieces: PieceSet, isSuspect: Bool, now: Duration) -> [Effect] {
        guard let layout = description?.layout else { preconditionFailure("checked by nothing") }
        precondition(pieces.pieceCount == layout.pieceCount, "\(pieces.pieceCount) pieces checked")
        if isSuspect, pieces.isFull || rechecks > Self.rechecksMax {
            return disown(isProved: true, now: now) + proceed(now: now)
        }
        if isSuspect {
            // The disk lost some of what was written to it.
            adopt(Description(giver: description?.giver, layout: layout, seed: seed))
        }
        fill(with: pieces)
        state = .fetching
        return proceed(now: now)
    }

    mutating func fill(with pieces: PieceSet) {
        for piece in pieces.pieces { description?.picker.markVerified(piece) }
    }

    /// The manifest in use leads nowhere: who was banned by it is so no more.
    ///
    /// - Parameter isProved: Whether the giver lied; else it may only have gone.
    mutating func disown(isProved: Bool, now: Duration) -> [Effect] {
        var effects = cancelAll(now: now)
        if isProved, let giver = description?.giver {
            setVerdict(.condemned, of: giver)
            sources[giver].reason = .manifestMismatch
            effects.append(.ban(sources[giver].offer.candidate, .manifestMismatch))
        }
        for source in sources.indices where sources[source].verdict == .banned {
            setVerdict(.usable, of: source)
            sources[source].failures = 0
            effects.append(.acquit(sources[source].offer.candidate))
        }
        description = nil
        for source in sources.indices { layOut(source) }
        rechecks = 0
        state = .describing
        return effects
    }
}
