import HeapModule

@testable import Overlay

/// Routers joined by links, driven in virtual time by one seeded queue of events.
///
/// Every link takes 10 ms, and up to `jitter` more by chance; a dead peer refuses at once.
struct RouterNetwork {
    /// What the peer that asked first got.
    struct Outcome {
        var answers: [PeerURL] = []
        var failures: [PeerURL] = []
        var coverage: [Coverage] = []
        /// How often each peer searched its catalog.
        var searches: [PeerURL: Int] = [:]
        var messages = 0
    }

    private struct Delivery: Comparable {
        var at: Instant
        var order: Int
        var from: PeerURL
        var to: PeerURL
        var event: Router.Event

        static func < (left: Delivery, right: Delivery) -> Bool {
            (left.at, left.order) < (right.at, right.order)
        }

        static func == (left: Delivery, right: Delivery) -> Bool { left.order == right.order }
    }

    private struct Link: Hashable {
        var from: PeerURL
        var to: PeerURL
    }

    private let neighbours: [PeerURL: [Neighbour]]
    private let dead: Set<PeerURL>
    private let jitter: Duration
    private var routers: [PeerURL: Router] = [:]
    /// Per peer: who asked it.
    private var askers: [PeerURL: PeerURL] = [:]
    private var queue: Heap<Delivery> = []
    /// A link is a stream: nothing overtakes.
    private var lastArrival: [Link: Instant] = [:]
    private var count = 0
    private var random: SplitMix64
    private var outcome = Outcome()

    /// - Parameter edges: Each names both ends by their numbers in `0..<peers`.
    init(
        peers: Int, edges: [(Int, Int)], dead: Set<Int> = [], jitter: Duration = .zero,
        fanoutMax: Int = 100, seed: UInt64
    ) {
        var neighbours: [PeerURL: [Neighbour]] = [:]
        for (one, other) in edges {
            neighbours[Self.url(one), default: []].append(Self.neighbour(other))
            neighbours[Self.url(other), default: []].append(Self.neighbour(one))
        }
        self.neighbours = neighbours
        self.dead = Set(dead.map(Self.url))
        self.jitter = jitter
        random = SplitMix64(seed: seed)
        for number in 0..<peers {
            routers[Self.url(number)] = Router(
                own: Self.neighbour(number).key,
                configuration: QueryRouterConfiguration(fanoutMax: fanoutMax),
                seed: random.next())
        }
    }

    static func url(_ number: Int) -> PeerURL { OverlayTests.url("p\(number)") }

    static func neighbour(_ number: Int) -> Neighbour {
        Neighbour(url: url(number), id: "P\(number)", speaks: .p2p, isFriend: false)
    }

    /// Runs one query that begins at peer 0 to its end.
    mutating func search(fanout: Int, ttl: Int) -> Outcome {
        let origin = Self.url(0)
        let query = Query(
            id: id, text: "x", fanout: fanout, ttl: ttl, deadline: .zero + .seconds(10),
            origin: origin)
        deliver(
            .started(
                query, neighbours: neighbours[origin] ?? [], asker: nil, alreadyAsked: []),
            from: origin, to: origin, now: .zero, after: .zero)
        while let delivery = queue.popMin() {
            let effects =
                routers[delivery.to]?.handle(delivery.event, now: delivery.at) ?? []
            if case .started = delivery.event, delivery.from != delivery.to {
                arrive(delivery, refusal: effects.first)
            }
            for effect in effects { perform(effect, at: delivery.to, now: delivery.at) }
        }
        return outcome
    }

    /// A refusal goes back to this asker alone; else it is the one who gets the answers.
    private mutating func arrive(_ delivery: Delivery, refusal: Router.Effect?) {
        guard case .refused(let id, let reason) = refusal else {
            askers[delivery.to] = delivery.from
            return
        }
        deliver(
            .branchEnded(
                id, neighbour: delivery.to, duplicate: reason == .duplicate,
                truncated: reason == .busy),
            from: delivery.to, to: delivery.from, now: delivery.at, after: hop())
    }

    private mutating func deliver(
        _ event: Router.Event, from: PeerURL, to: PeerURL, now: Instant, after delay: Duration
    ) {
        count += 1
        let link = Link(from: from, to: to)
        var at = now + delay
        if from != to {
            at = max(at, lastArrival[link] ?? .zero)
            lastArrival[link] = at
        }
        queue.insert(Delivery(at: at, order: count, from: from, to: to, event: event))
    }

    private mutating func hop() -> Duration {
        outcome.messages += 1
        let more = jitter == .zero ? 0 : random.next(below: 1000)
        return .milliseconds(10) + jitter * more / 1000
    }

    private mutating func perform(_ effect: Router.Effect, at peer: PeerURL, now: Instant) {
        switch effect {
        case .searchHere(let query):
            outcome.searches[peer, default: 0] += 1
            deliver(
                .localAnswered(query.id, "\(peer)"), from: peer, to: peer, now: now, after: .zero)
        case .ask(let neighbour, let query, let alreadyAsked):
            ask(neighbour.url, query, Set(alreadyAsked), by: peer, now: now)
        case .emit(let id, let record):
            emit(id, record, at: peer, now: now)
        case .finished(let id, let coverage):
            guard let asker = askers[peer] else {
                outcome.coverage.append(coverage)
                return
            }
            deliver(
                .branchEnded(
                    id, neighbour: peer, duplicate: false, truncated: coverage.truncated),
                from: peer, to: asker, now: now, after: hop())
        case .scheduleTick(let at):
            deliver(.ticked, from: peer, to: peer, now: at, after: .zero)
        case .listFiles, .cancel, .unreachable, .refused:
            break
        }
    }

    private mutating func ask(
        _ target: PeerURL, _ query: Query, _ alreadyAsked: Set<PeerURL>, by asker: PeerURL,
        now: Instant
    ) {
        if dead.contains(target) {
            deliver(
                .branchFailed(query.id, neighbour: target, reason: "refused"), from: target,
                to: asker, now: now, after: hop())
            return
        }
        deliver(
            .started(
                query, neighbours: neighbours[target] ?? [], asker: asker,
                alreadyAsked: alreadyAsked), from: asker, to: target, now: now, after: hop())
    }

    private mutating func emit(
        _ id: QueryID, _ record: Router.Record, at peer: PeerURL, now: Instant
    ) {
        switch (record, askers[peer]) {
        case (.answer(let from, _), nil): outcome.answers.append(from.url)
        case (.failure(let failed, _), nil): outcome.failures.append(failed.url)
        case (.answer(let from, let answer), let asker?):
            deliver(
                .branchAnswered(id, neighbour: peer, from: from, answer), from: peer, to: asker,
                now: now, after: hop())
        case (.failure(let failed, let reason), let asker?):
            deliver(
                .branchFailureReported(id, neighbour: peer, failed: failed, reason: reason),
                from: peer, to: asker, now: now, after: hop())
        }
    }
}
