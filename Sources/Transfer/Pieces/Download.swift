import Locking
import LogMessages
import Logging
import Synchronization

/// Brings one file here from many sources at once: performs a ``DownloadPlan``.
///
/// Holds at most ``piecesMax`` pieces in memory. How many downloads run at once is the daemon's to
/// bound.
package final class Download: Sendable {
    /// A holder, and the way to it.
    package struct Source: Sendable {
        package let offer: SourceOffer
        package let reader: any PieceSource

        package init(offer: SourceOffer, reader: any PieceSource) {
            self.offer = offer
            self.reader = reader
        }
    }

    /// The world as a download sees it; tests bring their own.
    package struct Surroundings: Sendable {
        package var store: TransferStore?
        /// Searches for holders.
        package var findSources: @Sendable () async -> [Source]
        /// Since an arbitrary start, monotonic.
        package var now: @Sendable () -> Duration
        package var unixTime: @Sendable () -> Int64
        package var sleep: @Sendable (Duration) async throws -> Void
        package var seed: UInt64
        /// Whether the partial file, when no source is left, is cut to the pieces that are there without
        /// a gap, for somebody who goes on from its end (``Fetch``).
        package var leavesPrefix = false

        package init(
            store: TransferStore?, seed: UInt64, now: @escaping @Sendable () -> Duration,
            unixTime: @escaping @Sendable () -> Int64,
            findSources: @escaping @Sendable () async -> [Source],
            sleep: @escaping @Sendable (Duration) async throws -> Void = {
                try await Task.sleep(for: $0)
            }
        ) {
            self.store = store
            self.seed = seed
            self.now = now
            self.unixTime = unixTime
            self.findSources = findSources
            self.sleep = sleep
        }
    }

    /// 24 MiB.
    static let piecesMax = 24
    static let tick = Duration.milliseconds(250)

    struct State {
        var plan: DownloadPlan
        var readers: [String: any PieceSource]
        /// Of the file, as the plan has it.
        var layout: PieceLayout?
        /// What proves pieces; nil while they are taken on trust.
        var manifest: Manifest?
        /// That of the request which brought it last.
        var received: Manifest?
        /// Ends calls that are not wanted any more; of those under way.
        var stops: [Int: AsyncStream<Void>.Continuation] = [:]
        /// By request: chunks and pieces of it that wait for this host, or are being worked on.
        var held: [Int: Int] = [:]
        var outcome: FetchOutcome?
        var diskError: FetchError?
        /// The partial file is gone.
        var isDiscarded = false
        /// The peer that gave the last piece.
        var sender: String?
        var resumed: Int64 = 0
    }

    /// Newest only: who looks seldom sees the present. Ends with the download.
    package let progress: AsyncStream<FetchProgress>
    let sha256: String
    let destination: any FetchDestination
    let surroundings: Surroundings
    let logger: Logger
    let state: Locked<State>
    let whole: WholeDigest
    let budget = PieceBudget(pieces: Download.piecesMax)
    /// Whose turn it is to write.
    let writing = PieceBudget(pieces: 1)
    let received = Atomic<Int64>(0)
    private let progressContinuation: AsyncStream<FetchProgress>.Continuation
    /// What the plan wants done, in its order. Bounded by the plan: requests, and one of each other kind.
    private let effects = AsyncStream<DownloadPlan.Effect>.makeStream()
    private let saving = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - sha256: 64 lower-case hexadecimal digits, of the whole file.
    ///   - sources: Best first.
    package init(
        sha256: String, sources: [Source], destination: any FetchDestination,
        configuration: DownloadConfiguration = DownloadConfiguration(), logger: Logger,
        surroundings: Surroundings
    ) {
        self.sha256 = sha256
        self.destination = destination
        self.logger = logger
        self.surroundings = surroundings
        whole = WholeDigest(destination: destination)
        let plan = DownloadPlan(
            offers: sources.map(\.offer), seed: surroundings.seed, configuration: configuration)
        let readers = sources.map { ($0.offer.candidate.id, $0.reader) }
        state = Locked(
            State(plan: plan, readers: Dictionary(readers) { first, _ in first }))
        (progress, progressContinuation) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(1))
    }

    /// Bytes on this host's disk that are proved.
    package var receivedBytes: Int64 {
        state.withLock { $0.isDiscarded ? 0 : $0.plan.verifiedBytes }
    }

    /// Whether it ended for want of a manifest: its sources may give the file as a whole.
    package var lacksManifest: Bool { state.withLock { $0.plan.lacksManifest } }

    /// Runs to the end. To be called once. Cancelling its task leaves the partial file, and the
    /// next download continues it.
    package func run() async throws(FetchError) -> FetchResult {
        defer {
            destination.close()
            progressContinuation.finish()
        }
        send(try await open())
        let outcome = await withTaskCancellationHandler {
            await perform()
        } onCancel: {
            send(.cancelled)
        }
        switch outcome {
        case .done: return await conclude()
        case .alreadyExists: throw .alreadyExists(path: destination.path)
        case .sourcesFailed(let failures):
            if surroundings.leavesPrefix { await cutToPrefix() } else { await giveRoomBack() }
            throw .sourcesFailed(failures)
        case .diskFailed:
            guard let error = state.withLock({ $0.diskError }) else {
                preconditionFailure("\(destination.path): the disk failed without an error")
            }
            await giveRoomBack(after: error)
            throw error
        case .cancelled:
            await giveRoomBack()
            throw .cancelled
        }
    }

    private func conclude() async -> FetchResult {
        if let store = surroundings.store {
            await remember { try await store.end(self.sha256) }
        }
        return state.withLock { state in
            FetchResult(
                size: state.plan.verifiedBytes, received: received.load(ordering: .relaxed),
                resumed: state.resumed, peer: state.sender)
        }
    }

    /// - Returns: The beginning, with what an earlier run has left.
    private func open() async throws(FetchError) -> DownloadPlan.Event {
        let length: Int64
        do {
            length = try await offCooperativePool { [destination] in try destination.open() }
        } catch {
            throw error as? FetchError ?? .cancelled
        }
        var found: TransferStore.Download?
        if let store = surroundings.store {
            await remember { found = try await store.download(self.sha256) }
        }
        guard let found else { return length == 0 ? .startedAfresh : .started(nil) }
        let layout = found.manifest.layout
        var verified = PieceSet(pieceCount: layout.pieceCount)
        for piece in found.verified.pieces where layout.bytes(of: piece).upperBound <= length {
            verified.insert(piece)
        }
        state.withLock { [verified] state in
            state.layout = layout
            state.manifest = found.manifest
            state.resumed = layout.byteCount(of: verified)
        }
        whole.reset(layout, stored: verified)
        return .started(DownloadPlan.Saved(size: layout.size, verified: verified))
    }

    // MARK: - Events and effects

    /// Tells the plan what happened. What it wants done is done in the order of such calls.
    func send(_ event: DownloadPlan.Event) {
        state.withLock { state in
            for effect in state.plan.handle(event, now: surroundings.now()) {
                effects.continuation.yield(effect)
            }
        }
    }

    private func perform() async -> FetchOutcome {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tickOn() }
            group.addTask { await self.digestWhole() }
            group.addTask { await self.saveOn() }
            for await effect in effects.stream {
                if case .finish(let outcome) = effect {
                    for stop in state.withLock({ $0.stops.values.map { $0 } }) { stop.finish() }
                    group.cancelAll()
                    return outcome
                }
                perform(effect, in: &group)
            }
            // A cancelled task hears no more of the plan, which was told.
            group.cancelAll()
            return .cancelled
        }
    }

    private func perform(_ effect: DownloadPlan.Effect, in group: inout TaskGroup<Void>) {
        switch effect {
        case .fetchManifest(let request, let candidate):
            let stop = makeStop(request)
            group.addTask {
                await self.receiveManifest(request, of: candidate, until: stop)
                self.forgetStop(request)
            }
        case .request(let request, let candidate, let pieces):
            let stop = makeStop(request)
            group.addTask {
                await self.receive(pieces, request, of: candidate, until: stop)
                self.forgetStop(request)
            }
        case .cancel(let request):
            state.withLock { $0.stops.removeValue(forKey: request) }?.finish()
        case .findSources:
            group.addTask { await self.findSources() }
        case .use(let manifest, let size):
            use(manifest, size: size)
        case .check:
            group.addTask { await self.check() }
        case .ban(let candidate, let reason):
            log(candidate, reason)
        case .acquit(let candidate):
            logger.info(
                "a source was blamed for another's lie",
                metadata: ["peer_name": "\(candidate.peer)", "path": "\(candidate.path)"])
        case .verify:
            whole.want()
        case .publish:
            group.addTask { await self.publish() }
        case .finish:
            preconditionFailure("handled by the caller")
        }
    }

    private func makeStop(_ request: Int) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        state.withLock { $0.stops[request] = continuation }
        return stream
    }

    private func forgetStop(_ request: Int) {
        state.withLock { $0.stops[request] = nil }
    }

    // MARK: - Who keeps whom waiting

    /// Something of the request is in our hands: until it is let go, the source may wait for us.
    func hold(_ request: Int) {
        state.withLock { $0.held[request, default: 0] += 1 }
    }

    func letGo(_ request: Int) {
        send(.bytesHeld(request: request))
        state.withLock { state in
            guard let count = state.held[request] else { preconditionFailure("never held") }
            state.held[request] = count == 1 ? nil : count - 1
        }
    }

    // MARK: - What runs beside

    private func tickOn() async {
        while !Task.isCancelled {
            do {
                try await surroundings.sleep(Self.tick)
            } catch {
                return
            }
            for request in state.withLock({ $0.held.keys.sorted() }) {
                send(.bytesHeld(request: request))
            }
            send(.ticked)
        }
    }

    private func digestWhole() async {
        do {
            try await whole.run { digest in send(digest == sha256 ? .verified : .mismatched) }
        } catch {
            fail(error)
        }
    }

    /// Writes down which pieces are there, as fast as that goes, but at most ten times a second.
    private func saveOn() async {
        guard let store = surroundings.store else { return }
        for await _ in saving.stream {
            guard let verified = state.withLock({ $0.plan.verified }) else { continue }
            await remember { try await store.update(self.sha256, verified: verified) }
            do {
                try await surroundings.sleep(.milliseconds(100))
            } catch {
                return
            }
        }
    }

    private func findSources() async {
        let found = await surroundings.findSources()
        state.withLock { state in
            for source in found { state.readers[source.offer.candidate.id] = source.reader }
        }
        send(.sourcesFound(found.map(\.offer)))
    }

    /// What is only remembered may be lost: it is fetched or hashed again.
    func remember(_ work: () async throws -> Void) async {
        do {
            try await work()
        } catch {
            logger.info("transfers are not remembered", metadata: ["error": "\(error)"])
        }
    }

    /// A piece is proved and written.
    func stored(_ piece: PieceAssembly.Piece, _ request: Int, of candidate: FetchCandidate) {
        whole.add(piece.number, piece.chunks) { [budget] in budget.giveBack() }
        send(.pieceStored(request: request, piece: piece.number))
        let verified = state.withLock { state in
            state.sender = candidate.peer
            return state.plan.verifiedBytes
        }
        saving.continuation.yield()
        progressContinuation.yield(
            FetchProgress(received: verified, size: candidate.size, peer: candidate.peer))
    }

    func log(_ candidate: FetchCandidate, _ reason: FetchReason) {
        logger.report(
            .sourceFailed,
            [
                "peer_name": "\(candidate.peer)", "path": "\(candidate.path)",
                "reason": "\(reason)", "transfer": "\(destination.path)",
            ])
    }
}
