import Overlay

/// Floods one query over a graph of today's query routers: what a search is compared with.
///
/// Links are streams, as gRPC's are: nothing is lost or overtaken, a lost segment is late.
struct FloodSimulation {
    typealias Router = QueryRouter<Int>

    private struct Delivery {
        var from: Int
        var to: Int
        var event: Router.Event
    }

    private let content: Content
    private let neighbours: [[Neighbour]]
    private let ttl: Int
    private let isDead: [Bool]
    private var routers: [Router]
    private var askers: [Int?]
    private var searches: [Int]
    private var queue = EventQueue<Delivery>()
    private var links: Links
    private var lastArrival: [UInt64: Instant] = [:]
    private var outcome = SearchOutcome()
    private(set) var trace = TraceHash()
    private var origin = 0

    init(
        graph: Graph, content: Content, network: NetworkModel, ttl: Int, dead: Set<Int> = [],
        seed: UInt64
    ) {
        let peers = graph.neighbours.count
        var random = SplitMix64(seed: seed)
        links = Links(network, seed: random.next())
        let all = (0..<peers).map(Self.neighbour)
        neighbours = graph.neighbours.map { $0.map { all[$0] } }
        routers = all.map { neighbour in
            Router(
                own: neighbour.key, configuration: QueryRouterConfiguration(fanoutMax: peers),
                seed: random.next())
        }
        askers = Array(repeating: nil, count: peers)
        searches = Array(repeating: 0, count: peers)
        isDead = (0..<peers).map(dead.contains)
        self.content = content
        self.ttl = ttl
    }

    private static func neighbour(_ peer: Int) -> Neighbour {
        Neighbour(url: url(peer), id: "\(peer)", speaks: .p2p, isFriend: false)
    }

    private static func url(_ peer: Int) -> PeerURL {
        do { return try PeerURL("http://p\(peer)") } catch {
            preconditionFailure("a URL made here is none: \(error)")
        }
    }

    private static func peer(_ url: PeerURL) -> Int {
        guard let number = Int(url.host.dropFirst()) else {
            preconditionFailure("\(url) was not made here")
        }
        return number
    }

    /// Runs a query that begins at `origin` to its end.
    mutating func search(_ text: [UInt8], from origin: Int, id: QueryID) -> SearchOutcome {
        self.origin = origin
        let query = Query(
            id: id, text: String(decoding: text, as: UTF8.self),
            fanout: neighbours.count, ttl: ttl, deadline: queue.now + .seconds(30),
            origin: Self.url(origin))
        outcome.known = neighbours.count
        deliver(
            .started(
                query, neighbours: neighbours[origin], asker: nil, alreadyAsked: []),
            from: origin, to: origin, after: .zero)
        while let delivery = queue.pop() { step(delivery) }
        outcome.searched = searches.count { $0 > 0 }
        outcome.searchedTwice = searches.count { $0 > 1 }
        outcome.messages = outcome.asks + outcome.answers + outcome.ends
        return outcome
    }

    private mutating func step(_ delivery: Delivery) {
        trace.mix(queue.now)
        trace.mix(delivery.from << 32 | delivery.to)
        let effects = routers[delivery.to].handle(delivery.event, now: queue.now)
        if case .started = delivery.event, delivery.from != delivery.to {
            arrive(delivery, refusal: effects.first)
        }
        for effect in effects { perform(effect, at: delivery.to) }
    }

    /// A refusal goes back to this asker alone; else it is the one who gets the answers.
    private mutating func arrive(_ delivery: Delivery, refusal: Router.Effect?) {
        guard case .refused(let id, let reason) = refusal else {
            askers[delivery.to] = delivery.from
            return
        }
        outcome.ends += 1
        outcome.duplicates += 1
        send(
            .branchEnded(
                id, neighbour: Self.url(delivery.to), duplicate: reason == .duplicate,
                truncated: reason == .busy), from: delivery.to, to: delivery.from)
    }

    private mutating func send(_ event: Router.Event, from: Int, to: Int) {
        deliver(event, from: from, to: to, after: links.stream(from: from, to: to))
    }

    private mutating func deliver(
        _ event: Router.Event, from: Int, to: Int, after delay: Duration
    ) {
        var at = queue.now + delay
        if from != to {
            let link = UInt64(from) << 32 | UInt64(to)
            at = max(at, lastArrival[link] ?? .zero)
            lastArrival[link] = at
        }
        queue.insert(Delivery(from: from, to: to, event: event), at: at)
    }

    private mutating func perform(_ effect: Router.Effect, at peer: Int) {
        switch effect {
        case .searchHere(let query):
            searches[peer] += 1
            let files = content.matches(Array(query.text.utf8), at: peer)
            deliver(.localAnswered(query.id, files), from: peer, to: peer, after: .zero)
        case .ask(let neighbour, let query, let alreadyAsked):
            ask(Self.peer(neighbour.url), query, alreadyAsked, by: peer)
        case .emit(let id, let record):
            emit(id, record, at: peer)
        case .finished(let id, let coverage):
            finish(id, coverage, at: peer)
        case .scheduleTick(let at):
            queue.insert(Delivery(from: peer, to: peer, event: .ticked), at: at)
        case .listFiles, .cancel, .unreachable, .refused:
            break
        }
    }

    private mutating func ask(_ target: Int, _ query: Query, _ asked: [PeerURL], by asker: Int) {
        outcome.asks += 1
        if isDead[target] {
            let refused = Router.Event.branchFailed(
                query.id, neighbour: Self.url(target), reason: "refused")
            send(refused, from: target, to: asker)
            return
        }
        send(
            .started(
                query, neighbours: neighbours[target], asker: Self.url(asker),
                alreadyAsked: Set(asked)), from: asker, to: target)
    }

    private mutating func emit(_ id: QueryID, _ record: Router.Record, at peer: Int) {
        guard let asker = askers[peer] else {
            if case .answer(let from, let files) = record { receive(files, from: from) }
            return
        }
        outcome.answers += 1
        switch record {
        case .answer(let from, let files):
            send(
                .branchAnswered(id, neighbour: Self.url(peer), from: from, files), from: peer,
                to: asker)
        case .failure(let failed, let reason):
            send(
                .branchFailureReported(
                    id, neighbour: Self.url(peer), failed: failed, reason: reason), from: peer,
                to: asker)
        }
    }

    private mutating func receive(_ files: Int, from peer: PeerKey) {
        outcome.files += files
        if files > 0, outcome.firstHitMilliseconds == nil, Self.peer(peer.url) != origin {
            outcome.firstHitMilliseconds = queue.now.sinceStart.inSeconds * 1000
        }
    }

    private mutating func finish(_ id: QueryID, _ coverage: Coverage, at peer: Int) {
        guard let asker = askers[peer] else {
            outcome.reached = coverage.reached
            outcome.failed = coverage.failed
            outcome.truncated = coverage.truncated || coverage.timedOut
            outcome.completeMilliseconds = queue.now.sinceStart.inSeconds * 1000
            return
        }
        outcome.ends += 1
        send(
            .branchEnded(
                id, neighbour: Self.url(peer), duplicate: false, truncated: coverage.truncated),
            from: peer, to: asker)
    }
}
