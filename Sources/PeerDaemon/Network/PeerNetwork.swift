import HeapModule
import LogMessages
import Logging
import Metrics
import Overlay
import Synchronization

/// The overlay's shell: holds both state machines, tells them what happened and does what they order.
///
/// Everything that waits for another peer is a job, and every job a child task of ``run()``. The queue of
/// jobs is bounded by the machines' own limits: checks and registrations in flight, open queries times
/// fanout.
actor PeerNetwork {
    typealias Router = QueryRouter<PeerAnswer>

    enum Job: Sendable {
        case check(PeerURL)
        case register(PeerURL)
        case resolve(PeerURL)
        case visit(PeerURL, friend: PeerURL)
        case introduce(PeerID, grpc: String)
        case doubt(PeerID)
        case wakeMembership(Instant, generation: Int)
        case wakeRouter(Instant)
        case searchHere(Query, limit: Int)
        case ask(Neighbour, grpc: String, Query, alreadyAsked: [PeerURL], limit: Int)
        case listFiles(Neighbour, Query, limit: Int)
        /// Whoever asked has left.
        case cancel(QueryID)
        case persist(Member)
        case forget(PeerURL)
    }

    struct Branch: Hashable {
        let query: QueryID
        let neighbour: PeerURL
    }

    /// Somebody who waits for a query's events.
    struct Sink {
        let events: AsyncStream<QueryEvent>.Continuation
        let limit: Int
    }

    nonisolated let identity: NodeIdentity
    nonisolated let links: PeerLinks
    nonisolated let fleet: Fleet
    nonisolated let store: MemberStore
    nonisolated let searchHere: @Sendable (_ text: String, _ limit: Int) async throws -> PeerAnswer
    nonisolated let logger: Logger
    nonisolated let clock = MonotonicClock()
    private nonisolated let jobs: AsyncStream<Job>
    private nonisolated let jobQueue: AsyncStream<Job>.Continuation

    private var membership: Membership
    private var router: Router
    private var tickGeneration = 0
    private var nextToken: Membership.Token = 1
    private var registrants: [Membership.Token: CheckedContinuation<RegistrationAnswer, Never>] =
        [:]
    private var bootstrappers: [Membership.Token: CheckedContinuation<BootstrapAnswer, Never>] = [:]
    private var sinks: [QueryID: Sink] = [:]
    /// One for each query of the last seconds.
    private var routerTicks: Heap<Instant> = []
    /// When the router is woken next.
    private var routerWakes: Instant?
    /// Ends a branch's job when its stream is finished.
    private var branches: [Branch: AsyncStream<Never>.Continuation] = [:]

    /// - Parameters:
    ///   - searchHere: Asks this peer's catalog.
    ///   - seed: Of jitter and of the choice of neighbours.
    init(
        identity: NodeIdentity, membership: MembershipConfiguration,
        router: QueryRouterConfiguration,
        links: PeerLinks, fleet: Fleet, store: MemberStore, logger: Logger, seed: UInt64,
        searchHere: @escaping @Sendable (_ text: String, _ limit: Int) async throws -> PeerAnswer
    ) {
        self.identity = identity
        self.links = links
        self.fleet = fleet
        self.store = store
        self.logger = logger
        self.searchHere = searchHere
        self.membership = Membership(
            own: identity.url, ownID: identity.id, configuration: membership, seed: seed)
        self.router = Router(
            own: PeerKey(id: identity.id, url: identity.url), configuration: router, seed: ~seed)
        (jobs, jobQueue) = AsyncStream.makeStream()
    }

    /// Takes up what was known before a restart. To be called before anything is asked; what it orders
    /// is done by ``run()``.
    ///
    /// - Parameter friends: Primary, then secondary.
    func start(friends: [PeerURL]) async {
        let restored = await store.load(logger: logger)
        send(.started(friends: friends, restored: restored))
    }

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { for await news in self.fleet.news { await self.take(news) } }
            for await job in jobs {
                group.addTask { await self.perform(job) }
            }
            group.cancelAll()
        }
        for (_, registrant) in registrants {
            registrant.resume(
                returning: RegistrationAnswer(refusal: "this peer is stopping", healthy: []))
        }
        registrants = [:]
        for (_, waiting) in bootstrappers {
            waiting.resume(returning: BootstrapAnswer(registered: [], failed: [], known: []))
        }
        bootstrappers = [:]
        for sink in sinks.values { sink.events.finish() }
        sinks = [:]
    }

    nonisolated var now: Instant { clock.now }

    // MARK: - Membership

    /// Friends first, then by URL.
    var members: [Member] { membership.list }

    /// Takes over what a reload changed; the next check and the next search see it.
    func reconfigure(friends: [PeerURL], healthCheckInterval: Duration, fanoutMax: Int) {
        membership.configuration.healthCheckInterval = healthCheckInterval
        router.configuration.fanoutMax = fanoutMax
        send(.started(friends: friends, restored: []))
    }

    func register(_ url: PeerURL) async -> RegistrationAnswer {
        await withCheckedContinuation { continuation in
            let token = makeToken()
            registrants[token] = continuation
            send(.registrationReceived(url: url, token: token))
        }
    }

    func bootstrap() async -> BootstrapAnswer {
        await withCheckedContinuation { continuation in
            let token = makeToken()
            bootstrappers[token] = continuation
            send(.bootstrapRequested(token: token))
        }
    }

    private func take(_ news: Fleet.News) {
        switch news {
        case .found(let url, let info): send(.gossipFound(url: url, info: info))
        case .changed(let id, let state):
            send(.gossipChanged(id: id, state: MemberState(state)))
        case .roundTrip(let id, let time):
            send(.gossipHeard(id: id, roundTrip: time, files: nil, bytes: nil))
        case .shares(let id, let files, let bytes):
            send(.gossipHeard(id: id, roundTrip: nil, files: files, bytes: bytes))
        }
    }

    private func makeToken() -> Membership.Token {
        defer { nextToken += 1 }
        return nextToken
    }

    func send(_ event: Membership.Event) {
        for effect in membership.handle(event, now: now) { perform(effect) }
    }

    private func perform(_ effect: Membership.Effect) {
        switch effect {
        case .check(let url): jobQueue.yield(.check(url))
        case .register(let url): jobQueue.yield(.register(url))
        case .resolve(let friend): jobQueue.yield(.resolve(friend))
        case .visit(let address, let friend): jobQueue.yield(.visit(address, friend: friend))
        case .introduce(let id, let grpc):
            if let id = PeerID(hex: id) { jobQueue.yield(.introduce(id, grpc: grpc)) }
        case .doubt(let id):
            if let id = PeerID(hex: id) { jobQueue.yield(.doubt(id)) }
        case .answerRegistration(let token, let refusal, let healthy):
            registrants.removeValue(forKey: token)?.resume(
                returning: RegistrationAnswer(refusal: refusal, healthy: healthy))
        case .answerBootstrap(let token, let registered, let failed, let known):
            bootstrappers.removeValue(forKey: token)?.resume(
                returning: BootstrapAnswer(registered: registered, failed: failed, known: known))
        case .memberChanged(let member, let from, let to): report(member, from: from, to: to)
        case .persist(let member): jobQueue.yield(.persist(member))
        case .forget(let url, let reason):
            logger.debug(
                "forgot a peer", metadata: ["peer": "\(url)", "reason": "\(reason)"])
            jobQueue.yield(.forget(url))
        case .scheduleTick(let at):
            tickGeneration += 1
            jobQueue.yield(.wakeMembership(at, generation: tickGeneration))
        }
    }

    private func report(_ member: Member, from: MemberState, to: MemberState) {
        var metadata: Logger.Metadata = [
            "peer": "\(member.url)", "peer_name": "\(member.info?.name ?? "")",
        ]
        if let reason = member.reason, !reason.isEmpty { metadata["reason"] = "\(reason)" }
        switch (from, to) {
        case (.unknown, .alive): logger.report(.peerFound, metadata)
        case (.dead, .alive), (.left, .alive): logger.report(.peerReturned, metadata)
        case (_, .suspect): logger.report(.peerSuspected, metadata)
        case (.alive, .dead), (.suspect, .dead): logger.report(.peerLost, metadata)
        case (_, .left): logger.report(.peerLeft, metadata)
        case (_, .alive), (_, .dead), (_, .unknown):
            logger.info("peer is \(to)", metadata: metadata)
        }
    }

    // MARK: - Searches

    /// Puts a query to this peer. Leaving the stream cancels it.
    ///
    /// The stream is bounded by the router: so many records a query, so many files an answer.
    func start(
        _ query: Query, asker: PeerURL?, alreadyAsked: Set<PeerURL>, limit: Int
    ) -> AsyncStream<QueryEvent> {
        let (events, continuation) = AsyncStream.makeStream(of: QueryEvent.self)
        let effects = router.handle(
            .started(
                query, neighbours: membership.neighbours, asker: asker, alreadyAsked: alreadyAsked),
            now: now)
        if case .refused(_, let refusal) = effects.first {
            continuation.yield(.refused(refusal))
            continuation.finish()
            return events
        }
        sinks[query.id] = Sink(events: continuation, limit: limit)
        continuation.onTermination = { [jobQueue] reason in
            if case .cancelled = reason { jobQueue.yield(.cancel(query.id)) }
        }
        for effect in effects { perform(effect) }
        return events
    }

    /// Answers a query that a neighbour forwards.
    func answer(_ incoming: IncomingQuery) -> AsyncStream<QueryEvent> {
        let query = Query(
            id: incoming.id, text: incoming.text, fanout: incoming.fanout, ttl: incoming.ttl,
            deadline: now + incoming.timeout, origin: incoming.origin)
        return start(
            query, asker: incoming.asker, alreadyAsked: incoming.alreadyAsked, limit: incoming.limit
        )
    }

    func abandon(_ id: QueryID) {
        sinks[id] = nil
        send(.cancelled(id))
    }

    func send(_ event: Router.Event) {
        for effect in router.handle(event, now: now) { perform(effect) }
    }

    private func perform(_ effect: Router.Effect) {
        switch effect {
        case .searchHere(let query):
            jobQueue.yield(.searchHere(query, limit: limit(of: query.id)))
        case .ask(let neighbour, let query, let alreadyAsked):
            ask(neighbour, query, alreadyAsked)
        case .listFiles(let neighbour, let query):
            jobQueue.yield(.listFiles(neighbour, query, limit: limit(of: query.id)))
        case .emit(let id, .answer(_, let answer)): sinks[id]?.events.yield(.answer(answer))
        case .emit(let id, .failure(let peer, let reason)):
            sinks[id]?.events.yield(.failure(peer, reason: reason))
        case .finished(let id, let coverage):
            let sink = sinks.removeValue(forKey: id)
            sink?.events.yield(.finished(coverage))
            sink?.events.finish()
        case .refused(let id, let refusal):
            logger.debug("query refused", metadata: ["query": "\(id)", "reason": "\(refusal)"])
        case .cancel(let id, let neighbour):
            branches.removeValue(forKey: Branch(query: id, neighbour: neighbour))?.finish()
        case .unreachable(let url, let reason):
            send(.reportedUnreachable(url: url, reason: reason))
        case .scheduleTick(let at):
            routerTicks.insert(at)
            wakeRouter()
        }
    }

    private func limit(of id: QueryID) -> Int {
        sinks[id]?.limit ?? SearchLimits.filesMax
    }

    private func ask(_ neighbour: Neighbour, _ query: Query, _ alreadyAsked: [PeerURL]) {
        guard let grpc = membership[neighbour.url]?.info?.grpc else {
            send(
                .branchFailed(
                    query.id, neighbour: neighbour.url, reason: "its gRPC address is unknown"))
            return
        }
        jobQueue.yield(
            .ask(
                neighbour, grpc: grpc, query, alreadyAsked: alreadyAsked, limit: limit(of: query.id)
            ))
    }

    /// A stream whose end ends the branch.
    func openBranch(_ branch: Branch) -> AsyncStream<Never> {
        let (ended, continuation) = AsyncStream.makeStream(of: Never.self)
        branches[branch] = continuation
        return ended
    }

    func closeBranch(_ branch: Branch) {
        branches.removeValue(forKey: branch)?.finish()
    }

    /// Sleeps until the first of the router's ticks; one sleeper serves them all.
    ///
    /// A sleeping child for each query would be cheap by itself, but a task group looks through its
    /// children whenever one of them ends.
    private func wakeRouter() {
        guard let first = routerTicks.min, routerWakes.map({ first < $0 }) ?? true else { return }
        routerWakes = first
        jobQueue.yield(.wakeRouter(first))
    }

    func tickRouter(_ due: Instant) {
        // A sleeper for an earlier tick has taken this one's place.
        guard routerWakes == due else { return }
        routerWakes = nil
        while let first = routerTicks.min, first <= now { routerTicks.removeMin() }
        send(Router.Event.ticked)
        wakeRouter()
    }

    func tick(generation: Int) {
        // An older request was replaced.
        if generation == tickGeneration { send(Membership.Event.ticked) }
    }
}

extension MemberState {
    init(_ state: SwimState) {
        self =
            switch state {
            case .alive: .alive
            case .suspect: .suspect
            case .dead: .dead
            case .left: .left
            }
    }
}
