import Logging
import Overlay

/// The shell of the gossip: runs ``Swim`` with the real clock and tells what it finds out.
///
/// Messages are unary calls that nobody repeats, as datagrams would be. Bounded: past ``tellsMax`` calls under
/// way a message is dropped, which the algorithm takes for a loss; ``describesMax`` peers are asked at
/// once who they are.
actor Fleet {
    static let tellsMax = 512
    static let describesMax = 16
    /// A call is given up after this, or after the probe interval where that is longer.
    static let timeoutMin = Duration.seconds(1)
    /// Until a peer that did not say who it is is asked again.
    static let describeAgainAfter = Duration.seconds(2)
    /// How long a goodbye may take.
    static let goodbyeMax = Duration.seconds(2)

    /// What the list of members is to know.
    enum News: Sendable {
        /// A living member has said who it is.
        case found(PeerURL, PeerInfo)
        case changed(id: String, SwimState)
        case roundTrip(id: String, Duration)
        case shares(id: String, files: Int64, bytes: Int64)
    }

    enum Job: Sendable {
        case tell(SwimMessage, to: String)
        case describe(PeerID, boot: UInt64, at: String)
        case wake(Instant)
        case save
        case leave
    }

    nonisolated let own: PeerID
    nonisolated let links: PeerLinks
    nonisolated let store: MemberStore
    nonisolated let logger: Logger
    /// For one reader.
    nonisolated let news: AsyncStream<News>
    nonisolated let timeout: Duration
    private nonisolated let totals: @Sendable () -> (files: Int64, bytes: Int64)
    private nonisolated let clock: MonotonicClock
    private nonisolated let newsQueue: AsyncStream<News>.Continuation
    private nonisolated let jobs: AsyncStream<Job>
    private nonisolated let jobQueue: AsyncStream<Job>.Continuation

    private var swim: Swim
    private var ring: RingNeighbours
    private var wakes: Instant?
    private var tells = 0
    private var describes = 0
    /// Which run of a member has said who it is.
    private var described: [PeerID: UInt64] = [:]
    /// Living members to be asked, and from when on; no more than there are members.
    private var undescribed: [PeerID: Instant] = [:]
    /// Members whose record is to be written down; a write takes all of them.
    private var unsaved: Set<PeerID> = []
    private var isSaving = false
    private var goodbye: AsyncStream<Never>.Continuation?

    /// - Parameters:
    ///   - restored: What an earlier run wrote down.
    ///   - totals: What is shared here.
    init(
        identity: NodeIdentity, restored: MemberStore.Fleet, configuration: SwimConfiguration,
        links: PeerLinks, store: MemberStore, logger: Logger, seed: UInt64,
        totals: @escaping @Sendable () -> (files: Int64, bytes: Int64)
    ) {
        guard let own = PeerID(hex: identity.id) else {
            preconditionFailure("\(identity.id) is no id")
        }
        self.own = own
        (self.links, self.store, self.logger, self.totals) = (links, store, logger, totals)
        clock = MonotonicClock()
        timeout = max(Self.timeoutMin, configuration.probeInterval)
        (news, newsQueue) = AsyncStream.makeStream()
        (jobs, jobQueue) = AsyncStream.makeStream()
        let record = SwimRecord(
            id: own, address: identity.grpc, incarnation: Incarnation(boot: restored.boot))
        let table = MemberTable(restored.members.filter { $0.id != own })
        swim = Swim(own: record, members: table, configuration: configuration, seed: seed)
        ring = RingNeighbours(own: own, table: table)
        for record in table.all where record.state.isLive { undescribed[record.id] = .zero }
    }

    nonisolated var now: Instant { clock.now }

    /// Runs until it has left, or is cancelled.
    func run() async {
        handle(.started(friends: []))
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                group.addTask { await self.perform(job) }
            }
            group.cancelAll()
        }
        newsQueue.finish()
    }

    /// Says goodbye; ``run()`` returns when that is told, or after ``goodbyeMax``.
    nonisolated func leaveSoon() { jobQueue.yield(.leave) }

    /// What a message brought that came from another peer.
    func receive(_ message: SwimMessage, files: Int64, bytes: Int64) {
        handle(.received(message))
        newsQueue.yield(.shares(id: "\(message.from.id)", files: files, bytes: bytes))
    }

    /// A peer of this id answers at `address`.
    func introduce(_ id: PeerID, at address: String) {
        guard id != own else { return }
        if swim.table[id]?.state.isLive != true {
            handle(.introduced(address))
        } else if described[id] != nil {
            // It was known under another URL.
            undescribed[id] = now
            describeDue()
        }
    }

    func doubt(_ id: PeerID) { handle(.doubted(id)) }

    // MARK: - The graph

    /// Six members, and friends up to eight of both.
    func neighbours(withFriends friends: [PeerID]) -> [PeerID] {
        ring.ids(withFriends: friends.filter { swim.table[$0]?.state.isLive == true })
    }

    /// The neighbours of everybody, as they follow from who is known here.
    func graphLinks() -> [RingNeighbours.Link] { RingNeighbours.links(own: own, table: swim.table) }

    // MARK: - The machine

    private func handle(_ event: Swim.Event) {
        for effect in swim.handle(event, now: now) { perform(effect) }
        describeDue()
        rearm()
    }

    private func perform(_ effect: Swim.Effect) {
        switch effect {
        case .send(let message, let address):
            guard tells < Self.tellsMax else { return }
            tells += 1
            jobQueue.yield(.tell(message, to: address))
        case .changed(let record, _):
            change(record)
        case .forgotten(let id):
            (described[id], undescribed[id]) = (nil, nil)
            save(id)
        }
    }

    private func change(_ record: SwimRecord) {
        save(record.id)
        ring.note(record, table: swim.table)
        let isNewRun = described[record.id] != record.incarnation.boot
        if record.state.isLive, isNewRun {
            undescribed[record.id] = now
        } else {
            if !record.state.isLive { undescribed[record.id] = nil }
            newsQueue.yield(.changed(id: "\(record.id)", record.state))
        }
    }

    /// One sleeper at a time; a later one finds that it was overtaken.
    private func rearm() {
        guard let wake = swim.nextWake, wakes.map({ wake < $0 }) ?? true else { return }
        wakes = wake
        jobQueue.yield(.wake(wake))
    }

    private func wake(_ at: Instant) {
        guard wakes == at else { return }
        wakes = nil
        handle(.ticked)
    }

    // MARK: - Jobs

    private nonisolated func perform(_ job: Job) async {
        switch job {
        case .tell(let message, let address): await tell(message, to: address)
        case .describe(let id, let boot, let address): await describe(id, boot, at: address)
        case .wake(let at): if await clock.sleep(until: at) { await wake(at) }
        case .save: await saveAll()
        case .leave: await leave()
        }
    }

    private nonisolated func tell(_ message: SwimMessage, to address: String) async {
        let begin = now
        let shared = totals()
        do {
            try await links.tell(
                message, files: shared.files, bytes: shared.bytes, at: address, timeout: timeout)
            if case .ping(_, let target) = message.body {
                newsQueue.yield(.roundTrip(id: "\(target)", now - begin))
            }
        } catch {
            logger.trace(
                "a message of the gossip is lost",
                metadata: ["address": "\(address)", "reason": "\(PeerLinks.reason(of: error))"])
        }
        await told()
    }

    private func told() {
        tells -= 1
        if tells == 0, !swim.hasNews { goodbye?.finish() }
    }

    private func leave() async {
        let (said, continuation) = AsyncStream.makeStream(of: Never.self)
        goodbye = continuation
        handle(.leaving)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in said {} }
            group.addTask { _ = await self.clock.sleep(until: self.now + Self.goodbyeMax) }
            if swim.liveCount > 1 { await group.next() }
            group.cancelAll()
        }
        jobQueue.finish()
    }

    // MARK: - Who they are

    private func describeDue() {
        guard !undescribed.isEmpty, describes < Self.describesMax else { return }
        let due = undescribed.filter { $0.value <= now }.keys.sorted()
        for id in due.prefix(Self.describesMax - describes) {
            undescribed[id] = nil
            guard let record = swim.table[id], record.state.isLive else { continue }
            describes += 1
            jobQueue.yield(
                .describe(id, boot: record.incarnation.boot, at: record.address))
        }
    }

    private nonisolated func describe(_ id: PeerID, _ boot: UInt64, at address: String) async {
        do {
            let (url, info) = try await links.describe(at: address, timeout: timeout)
            guard info.id == "\(id)" else {
                throw PeerLinks.AnotherPeer(id: info.id ?? "")
            }
            await endDescribe(id, boot: boot, url: url, info: info)
        } catch {
            logger.debug(
                "a peer does not say who it is",
                metadata: [
                    "id": "\(id)", "address": "\(address)",
                    "reason": "\(PeerLinks.reason(of: error))",
                ])
            await failDescribe(id)
        }
    }

    private func endDescribe(_ id: PeerID, boot: UInt64, url: PeerURL, info: PeerInfo) {
        describes -= 1
        if let record = swim.table[id], record.state.isLive {
            described[id] = boot
            newsQueue.yield(.found(url, info))
            if record.state == .suspect { newsQueue.yield(.changed(id: "\(id)", .suspect)) }
            if record.incarnation.boot != boot { undescribed[id] = now }
        }
        describeDue()
    }

    private func failDescribe(_ id: PeerID) {
        describes -= 1
        if swim.table[id]?.state.isLive == true {
            undescribed[id] = now + Self.describeAgainAfter
        }
        describeDue()
    }

    // MARK: - Writing down

    private func save(_ id: PeerID) {
        unsaved.insert(id)
        guard !isSaving else { return }
        isSaving = true
        jobQueue.yield(.save)
    }

    private func saveAll() async {
        while !unsaved.isEmpty {
            let ids = unsaved.sorted()
            unsaved = []
            await store.save(
                ids.compactMap { swim.table[$0] },
                removing: ids.filter { swim.table[$0] == nil }, logger: logger)
        }
        isSaving = false
    }
}

extension SwimConfiguration {
    /// The pace of `health_check_interval` where that is faster than a second, else SWIM's own.
    init(healthCheckInterval: Duration) {
        self.init()
        let share = min(healthCheckInterval, probeInterval)
        probeTimeout = probeTimeout * (share / probeInterval)
        gossipInterval = gossipInterval * (share / probeInterval)
        probeInterval = share
    }
}
