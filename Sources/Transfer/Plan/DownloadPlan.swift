/// Decides which piece of one file comes from which source, and when the file is done.
///
/// Pieces of 1 MiB are proved one by one by a manifest, which some source gives (its giver), and the
/// whole by the SHA-256 that the search named. Only the latter is certain: where all pieces fit the
/// manifest and the whole does not, the giver lied, and who was banned by its manifest is acquitted.
/// A file of one piece needs no manifest.
///
/// Where nothing of the file is here yet, it begins on trust: pieces are taken as they come, without a
/// manifest and without a proof of their own, and the whole is what is proved. Only when that fails
/// somebody is asked for a manifest, what is on the disk is compared with it, and from there on each
/// piece is proved. So honest sources, the rule, cost one hashing and not three.
///
/// Sources: Cohen, "Incentives Build Robustness in BitTorrent", 2003 (rarest first, end game,
/// pipelining). Left out: choking, because peers of a fleet do not trade. Runs of pieces instead of
/// blocks, because a request costs a call.
///
/// Pure: the caller performs the effects in order, reports what happened, and ticks about four times
/// a second. `now` is the time since an arbitrary start, and never goes back. It ends always: every
/// source fails at most `attemptsMax` times without giving a piece, is banned or gives manifests at most
/// once, and searches that bring nothing are counted. Outside the end game a piece that came right is
/// not asked for again; one that came wrong goes to a source that has given a right one, if
/// there is any, and costs its sender the ban.
package struct DownloadPlan: Sendable {
    package enum Event: Hashable, Sendable {
        /// With what an earlier run has left, where its manifest is known still.
        case started(Saved?)
        /// The same, and nothing of the file is here: no byte that would have to be compared.
        case startedAfresh
        /// A search has ended, with these holders, known ones among them.
        case sourcesFound([SourceOffer])
        /// A holder has said what it has now, or made itself known.
        case sourceUpdated(SourceOffer)
        /// Complete, and of as many pieces as the source's size makes.
        case manifestReceived(request: Int)
        /// The pieces that are on this host's disk and fit the manifest in use.
        case piecesChecked(PieceSet)
        case bytesReceived(request: Int, count: Int)
        /// Bytes of it wait for this host's disk or processor: the source owes us nothing.
        case bytesHeld(request: Int)
        /// A piece fitted the manifest, and is written.
        case pieceStored(request: Int, piece: Int)
        case pieceMismatched(request: Int, piece: Int)
        /// The stream ended as it should; all its pieces have been told before.
        case requestEnded(request: Int)
        case requestFailed(request: Int, FetchReason)
        case ticked
        /// The whole file has the SHA-256 that is wanted.
        case verified
        case mismatched
        case published
        /// The name is taken.
        case publishRefused
        /// Writing, reading or publishing failed here.
        case diskFailed
        case paused
        case resumed
        case cancelled
    }

    package enum Effect: Hashable, Sendable {
        /// Ask for the manifest: `manifestReceived`, `requestFailed`.
        case fetchManifest(request: Int, FetchCandidate)
        /// From here on pieces are proved by that request's manifest, and the file has `size` bytes. nil:
        /// by the file's own SHA-256, where it has one piece or none; else by nothing.
        case use(manifest: Int?, size: Int64)
        /// Compare what is on the disk with the manifest in use: `piecesChecked`. Without one of several
        /// pieces nothing is there.
        case check
        /// Ask for these pieces in one call.
        case request(Int, FetchCandidate, pieces: Range<Int>)
        /// Nothing more is wanted of it, and no event of it counts.
        case cancel(request: Int)
        /// Search for holders: `sourcesFound`, also when there are none.
        case findSources
        /// For the log and the user: it is not asked for this file again.
        case ban(FetchCandidate, FetchReason)
        /// The manifest that it was banned by was a lie.
        case acquit(FetchCandidate)
        /// Compare the SHA-256 of the whole: `verified` or `mismatched`.
        case verify
        /// `published`, `publishRefused` or `diskFailed`.
        case publish
        case finish(FetchOutcome)
    }

    /// What an earlier run has left.
    package struct Saved: Hashable, Sendable {
        package let size: Int64
        package let verified: PieceSet

        package init(size: Int64, verified: PieceSet) {
            precondition(verified.pieceCount == PieceLayout(size: size).pieceCount)
            self.size = size
            self.verified = verified
        }
    }

    enum State: Hashable, Sendable {
        case idle
        /// A manifest is wanted.
        case describing
        /// `isSuspect`: because the whole did not fit.
        case checking(isSuspect: Bool)
        case fetching
        case verifying
        case publishing
        case finished
    }

    /// The manifest in use, and what is there by it.
    struct Description: Sendable {
        /// nil: somebody of an earlier run.
        let giver: Int?
        let layout: PieceLayout
        /// Nothing proves the pieces.
        let isOnTrust: Bool
        var picker: PiecePicker
        /// How often each piece came whole, right or wrong.
        var arrivals: [UInt8]

        init(giver: Int?, layout: PieceLayout, seed: UInt64, isOnTrust: Bool = false) {
            self.giver = giver
            self.layout = layout
            self.isOnTrust = isOnTrust
            picker = PiecePicker(pieceCount: layout.pieceCount, seed: seed)
            arrivals = Array(repeating: 0, count: layout.pieceCount)
        }
    }

    /// A call that is under way.
    struct Request: Sendable {
        let source: Int
        let begin: Duration
        /// Pieces that it has not brought yet, ascending; empty for a manifest.
        var waiting: [Int]
        let isManifest: Bool
        /// Bytes came, or held ones were taken in: since then the source owes us some.
        var lastBytes: Duration
        /// Another has brought a piece of it: it would go on to send what nobody waits for.
        var isOvertaken = false
    }

    /// Times that the disk may be found to differ from what was written to it, before that is taken
    /// for a lie of the manifest, so that a broken disk ends it too.
    static let rechecksMax = 3

    let configuration: DownloadConfiguration
    let seed: UInt64
    var state = State.idle
    package internal(set) var isPaused = false
    var sources: [SourceRecord]
    var description: Description?
    var requests: [Int: Request] = [:]
    var nextRequest = 0
    var rechecks = 0
    var isSearching = false
    /// Searches in a row that brought no new source, since the last piece that came.
    var fruitlessSearches = 0
    /// The same, whatever came: they are made less and less often.
    var quietSearches = 0
    var nextSearch = Duration.zero

    /// - Parameters:
    ///   - offers: Who is said to have the file; best first.
    ///   - seed: Of the order of equally rare pieces; another one for each receiver.
    package init(
        offers: [SourceOffer], seed: UInt64,
        configuration: DownloadConfiguration = DownloadConfiguration()
    ) {
        self.configuration = configuration
        self.seed = seed
        sources = offers.prefix(configuration.sourcesMax).map { SourceRecord(offer: $0) }
    }

    /// Takes one event and returns what is to be done, in this order. What is late changes nothing.
    package mutating func handle(_ event: Event, now: Duration) -> [Effect] {
        switch (state, event) {
        case (.finished, _):
            return []
        case (_, .cancelled):
            return finish(.cancelled)
        case (_, .diskFailed):
            return finish(.diskFailed)
        case (_, .paused):
            isPaused = true
            return cancelAll(now: now)
        case (_, .resumed):
            isPaused = false
            return proceed(now: now)
        case (_, .sourcesFound(let offers)):
            takeSearch(offers, now: now)
            return proceed(now: now)
        case (_, .sourceUpdated(let offer)):
            admit(offer, now: now)
            return proceed(now: now)

        case (.idle, .started(let saved)):
            return start(saved, now: now)
        case (.idle, .startedAfresh):
            return startOnTrust(now: now)
        case (.describing, .manifestReceived(let request)):
            return describe(by: request, now: now)
        case (.checking(let isSuspect), .piecesChecked(let pieces)):
            return take(checked: pieces, isSuspect: isSuspect, now: now)
        case (.fetching, .pieceStored(let request, let piece)):
            return take(piece, of: request, now: now)
        case (.fetching, .pieceMismatched(let request, let piece)):
            return condemn(piece, of: request, now: now)

        case (.describing, .bytesReceived(let request, let count)),
            (.fetching, .bytesReceived(let request, let count)):
            note(count, of: request, now: now)
            return []
        case (.describing, .bytesHeld(let request)), (.fetching, .bytesHeld(let request)):
            requests[request]?.lastBytes = now
            return []
        case (.describing, .requestEnded(let request)), (.fetching, .requestEnded(let request)):
            return end(request, now: now) + proceed(now: now)
        case (.describing, .requestFailed(let request, let reason)),
            (.fetching, .requestFailed(let request, let reason)):
            return end(request, by: reason, now: now) + proceed(now: now)
        case (.describing, .ticked), (.fetching, .ticked):
            return relieveStalled(now: now) + proceed(now: now)

        case (.verifying, .verified):
            state = .publishing
            return [.publish]
        case (.verifying, .mismatched) where description?.isOnTrust == true:
            return loseTrust(now: now)
        case (.verifying, .mismatched):
            rechecks += 1
            state = .checking(isSuspect: true)
            return [.check]
        case (.publishing, .published):
            return finish(.done)
        case (.publishing, .publishRefused):
            return finish(.alreadyExists)

        case (.idle, _), (.describing, _), (.checking, _), (.fetching, _), (.verifying, _),
            (.publishing, _):
            return []
        }
    }

    private mutating func start(_ saved: Saved?, now: Duration) -> [Effect] {
        nextSearch = now + configuration.searchInterval
        guard let saved else {
            state = .describing
            return proceed(now: now)
        }
        adopt(Description(giver: nil, layout: PieceLayout(size: saved.size), seed: seed))
        fill(with: saved.verified)
        state = .fetching
        return proceed(now: now)
    }

    /// Asks for what can be asked for, and decides whether there is anything left to hope for.
    mutating func proceed(now: Duration) -> [Effect] {
        guard !isPaused else { return [] }
        var effects: [Effect] = []
        switch state {
        case .describing:
            effects += askForManifest(now: now)
        case .fetching where description?.picker.verified.isFull == true:
            effects += cancelAll(now: now)
            state = .verifying
            return effects + [.verify]
        case .fetching:
            effects += askForPieces(now: now)
        case .idle, .checking, .verifying, .publishing, .finished:
            return []
        }
        guard state == .describing || state == .fetching else { return effects }
        return effects + search(now: now)
    }

    mutating func finish(_ outcome: FetchOutcome) -> [Effect] {
        let closing = requests.keys.sorted().map { Effect.cancel(request: $0) }
        requests = [:]
        state = .finished
        return closing + [.finish(outcome)]
    }

    // MARK: - For who watches

    /// Bytes that are here and fit the manifest.
    package var verifiedBytes: Int64 {
        guard let description else { return 0 }
        return description.layout.byteCount(of: description.picker.verified)
    }

    /// Whether events of this request still count.
    package func isOpen(_ request: Int) -> Bool { requests[request] != nil }

    /// Whether it ended for want of a manifest, and nothing else proves pieces.
    package var lacksManifest: Bool { description == nil }

    /// Pieces that are here and fit the manifest; nil while there is none.
    package var verified: PieceSet? { description?.picker.verified }
}
