/// What ``DownloadPlan`` knows of one source.
struct SourceRecord: Sendable {
    enum Verdict: Hashable, Sendable {
        case usable
        /// It failed too often, or refuses; a search that names it again gives it one more attempt.
        case out
        /// By a piece that did not fit the manifest in use.
        case banned
        /// For good: it lied about the whole, or sent what nobody asked for.
        case condemned
    }

    var offer: SourceOffer
    var verdict = Verdict.usable
    /// The last failure, also one that was forgiven.
    var reason: FetchReason?
    /// In a row, without a piece in between.
    var failures = 0
    /// Not asked for anything before.
    var restsUntil = Duration.zero
    /// Its manifest led nowhere, or is the one in use, or it has none to give.
    var hasGivenManifest = false
    /// Right ones; it is proven when there is one.
    var piecesGiven = 0
    /// Pieces that it is asked for, of all requests.
    var outstanding = 0
    var meter = RateMeter()
    /// By the layout in use; nil where its size is another.
    var pieces: PieceSet?

    init(offer: SourceOffer) {
        self.offer = offer
    }

    var isProven: Bool { piecesGiven > 0 }
    var bytesPerSecond: Int64 { meter.bytesPerSecond }

    func isReady(now: Duration) -> Bool { verdict == .usable && restsUntil <= now }

    /// Pieces to be asked for at once. An unproven source is tried with one, so that who lies costs
    /// one piece.
    func depth(_ configuration: DownloadConfiguration) -> Int {
        guard isProven else { return 1 }
        guard bytesPerSecond > 0 else {
            return min(max(piecesGiven, configuration.depthMin), configuration.depthMax)
        }
        let seconds = configuration.depthTime / .seconds(1)
        let ahead = Int(Double(bytesPerSecond) * seconds / Double(PieceLayout.pieceBytes))
        return min(max(ahead, configuration.depthMin), configuration.depthMax)
    }
}
