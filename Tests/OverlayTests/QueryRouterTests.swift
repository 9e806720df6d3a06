import Testing

@testable import Overlay

typealias Router = QueryRouter<String>

func key(_ name: String) -> PeerKey { PeerKey(id: name.uppercased(), url: url(name)) }

func neighbour(_ name: String, friend: Bool = false) -> Neighbour {
    Neighbour(url: url(name), id: name.uppercased(), speaks: .p2p, isFriend: friend)
}

func restNeighbour(_ name: String) -> Neighbour {
    Neighbour(url: url(name), id: nil, speaks: .rest, isFriend: false)
}

let id = QueryID(high: 1, low: 2)
let tooLate = "did not answer in time"

/// A coverage with these figures.
func coverage(
    reached: Int = 0, failed: Int = 0, duplicates: Int = 0, truncated: Bool = false,
    timedOut: Bool = false
) -> Coverage {
    var coverage = Coverage()
    coverage.reached = reached
    coverage.failed = failed
    coverage.duplicates = duplicates
    coverage.truncated = truncated
    coverage.timedOut = timedOut
    return coverage
}

/// A router with a clock that the test moves; what it asks of the clock is left out.
struct RouterFixture {
    var router: Router
    var now = Instant.zero

    init(fanoutMax: Int = 3, _ change: (inout QueryRouterConfiguration) -> Void = { _ in }) {
        var configuration = QueryRouterConfiguration(fanoutMax: fanoutMax)
        change(&configuration)
        router = Router(own: key("self"), configuration: configuration, seed: 1)
    }

    /// A query with open branches to friend a and neighbour b.
    static func opened(
        local: Bool = true, _ change: (inout QueryRouterConfiguration) -> Void = { _ in }
    ) -> RouterFixture {
        var fixture = RouterFixture(change)
        fixture.start([neighbour("a", friend: true), neighbour("b")])
        if !local { fixture.send(.localAnswered(id, "own")) }
        return fixture
    }

    private init(_ change: (inout QueryRouterConfiguration) -> Void) {
        self.init(fanoutMax: 3, change)
    }

    @discardableResult
    mutating func start(
        _ neighbours: [Neighbour], id: QueryID = id, fanout: Int = 3, ttl: Int = 3,
        seconds: Int = 10, asker: PeerURL? = nil, alreadyAsked: Set<PeerURL> = []
    ) -> [Router.Effect] {
        let query = Query(
            id: id, text: "report", fanout: fanout, ttl: ttl, deadline: now + .seconds(seconds),
            origin: asker == nil ? url("self") : url("origin"))
        return send(
            .started(query, neighbours: neighbours, asker: asker, alreadyAsked: alreadyAsked))
    }

    @discardableResult
    mutating func send(_ event: Router.Event) -> [Router.Effect] {
        router.handle(event, now: now).filter {
            if case .scheduleTick = $0 { false } else { true }
        }
    }

    mutating func end(_ neighbour: PeerURL) -> [Router.Effect] {
        send(.branchEnded(id, neighbour: neighbour, duplicate: false, truncated: false))
    }
}

extension [Router.Effect] {
    var asked: [PeerURL] {
        compactMap {
            switch $0 {
            case .ask(let neighbour, _, _), .listFiles(let neighbour, _): neighbour.url
            default: nil
            }
        }
    }
}

@Suite struct QueryRouterTests {
    @Test("A query is searched here and asked of the neighbours, with one hop and some time less")
    func start() {
        var fixture = RouterFixture()
        let query = Query(
            id: id, text: "report", fanout: 2, ttl: 3, deadline: .zero + .seconds(2),
            origin: url("self"))
        var forwarded = query
        forwarded.ttl = 2
        forwarded.deadline = .zero + .milliseconds(1800)
        let hint = [url("a"), url("b"), url("self")]
        #expect(
            fixture.router.handle(
                .started(
                    query, neighbours: [neighbour("a", friend: true), restNeighbour("b")],
                    asker: nil, alreadyAsked: []), now: .zero) == [
                    .searchHere(query),
                    .ask(neighbour("a", friend: true), forwarded, alreadyAsked: hint),
                    .listFiles(restNeighbour("b"), forwarded),
                    .scheduleTick(at: query.deadline),
                ])
    }

    @Test("Friends are asked first in their order, then the others in random order")
    func order() {
        let friends = [neighbour("z", friend: true), neighbour("y", friend: true)]
        let others = (0..<20).map { neighbour("p\($0)") }
        var fixture = RouterFixture(fanoutMax: 5)
        var orders: Set<[PeerURL]> = []
        for number in 0..<20 {
            let asked = fixture.start(
                others + friends, id: QueryID(high: 9, low: UInt64(number)), fanout: 5
            ).asked
            #expect(asked.count == 5)
            #expect(asked.prefix(2) == [url("z"), url("y")])
            orders.insert(asked)
        }
        #expect(orders.count > 15)
    }

    @Test("The asker, the origin, this peer and who was asked already are not asked")
    func skipped() {
        var fixture = RouterFixture(fanoutMax: 9)
        let all = ["asker", "origin", "self", "x", "a", "a", "b"].map { neighbour($0) }
        let effects = fixture.start(all, fanout: 9, asker: url("asker"), alreadyAsked: [url("x")])
        #expect(Set(effects.asked) == [url("a"), url("b")])
        #expect(effects.asked.count == 2)
    }

    @Test("A hint longer than its bound is cut, and names those asked now first")
    func hintBounded() {
        var fixture = RouterFixture { $0.alreadyAskedMax = 2 }
        let effects = fixture.start(
            [neighbour("z", friend: true)], asker: url("b"), alreadyAsked: [url("a")])
        guard case .ask(_, _, let hint) = effects.dropFirst().first else {
            Issue.record("nobody was asked: \(effects)")
            return
        }
        #expect(hint == [url("self"), url("z")])
    }

    @Test(
        "Fanout and TTL are clamped; 0 of either asks nobody",
        arguments: [
            (fanout: 99, ttl: 99, asked: 3), (fanout: 2, ttl: 1, asked: 2),
            (fanout: 1, ttl: 0, asked: 0), (fanout: 0, ttl: 3, asked: 0),
            (fanout: -1, ttl: -1, asked: 0),
        ])
    func clamped(fanout: Int, ttl: Int, asked: Int) {
        var fixture = RouterFixture()
        let effects = fixture.start(
            (0..<9).map { neighbour("p\($0)") }, fanout: fanout, ttl: ttl)
        #expect(effects.asked.count == asked)
        for case .ask(_, let query, _) in effects {
            #expect(query.ttl <= 15 && query.fanout <= 3)
        }
    }

    @Test("A query of nobody else ends with its own answer")
    func aloneHere() {
        var fixture = RouterFixture()
        fixture.start([], ttl: 0)
        #expect(
            fixture.send(.localAnswered(id, "own")) == [
                .emit(id, .answer(from: key("self"), "own")),
                .finished(id, coverage(reached: 1)),
            ])
        #expect(fixture.router.openCount == 0)
    }

    @Test("Answers are passed on as they come, and the last end finishes")
    func streaming() {
        var fixture = RouterFixture.opened()
        #expect(
            fixture.send(.branchAnswered(id, neighbour: a, from: key("a"), "1")) == [
                .emit(id, .answer(from: key("a"), "1"))
            ])
        #expect(
            fixture.send(.localAnswered(id, "own")) == [
                .emit(id, .answer(from: key("self"), "own"))
            ])
        #expect(
            fixture.send(.branchAnswered(id, neighbour: a, from: key("far"), "2")) == [
                .emit(id, .answer(from: key("far"), "2"))
            ])
        #expect(fixture.end(a) == [])
        #expect(fixture.end(b) == [.finished(id, coverage(reached: 3))])
    }

    @Test("A peer's second answer is dropped, whichever of its names it comes under")
    func duplicates() {
        var fixture = RouterFixture.opened(local: false)
        fixture.send(.branchAnswered(id, neighbour: a, from: key("c"), "1"))
        for again in [
            key("c"), PeerKey(id: nil, url: url("c")), PeerKey(id: "C", url: url("other")),
            key("self"), PeerKey(id: nil, url: url("self")),
        ] {
            #expect(fixture.send(.branchAnswered(id, neighbour: b, from: again, "2")) == [])
        }
        _ = fixture.end(a)
        #expect(
            fixture.send(.branchEnded(id, neighbour: b, duplicate: true, truncated: false)) == [
                .finished(id, coverage(reached: 2, duplicates: 6))
            ])
    }

    @Test("Our own answer in a circle is dropped before we have answered, too")
    func echo() {
        var fixture = RouterFixture.opened()
        #expect(
            fixture.send(.branchAnswered(id, neighbour: a, from: key("self"), "echo")) == [])
        #expect(
            fixture.send(
                .branchFailureReported(id, neighbour: a, failed: key("self"), reason: "x")) == [])
        #expect(
            fixture.send(.localAnswered(id, "own")) == [
                .emit(id, .answer(from: key("self"), "own"))
            ])
    }

    @Test("A query met before is refused as a duplicate, while it is open and afterwards")
    func seen() {
        var fixture = RouterFixture()
        fixture.start([neighbour("a")])
        #expect(fixture.start([neighbour("b")], asker: b) == [.refused(id, .duplicate)])
        #expect(fixture.end(a) == [])
        #expect(fixture.send(.localAnswered(id, "own")).count == 2, "the open one goes on")
        #expect(fixture.start([neighbour("b")]) == [.refused(id, .duplicate)])
        fixture.now = fixture.now + .seconds(599)
        #expect(fixture.start([neighbour("b")]) == [.refused(id, .duplicate)])
        fixture.now = fixture.now + .seconds(1)
        #expect(fixture.start([neighbour("b")]).asked == [b], "an id lives for its lifetime")
    }

    @Test("Past the bound the oldest id is forgotten first")
    func seenBounded() {
        var seen = SeenQueries(limit: 2, lifetime: .seconds(60))
        func number(_ low: UInt64) -> QueryID { QueryID(high: 0, low: low) }
        for low in [1, 2, 3] as [UInt64] {
            let isNew = seen.insert(number(low), now: .zero)
            #expect(isNew)
        }
        let again = [3, 2, 1].map { seen.insert(number($0), now: .zero) }
        #expect(again == [false, false, true])
    }

    @Test("A broken branch is reported once, and to the membership")
    func broken() {
        var fixture = RouterFixture.opened(local: false)
        #expect(
            fixture.send(.branchFailed(id, neighbour: a, reason: "refused")) == [
                .emit(id, .failure(key("a"), reason: "refused")),
                .unreachable(a, reason: "refused"),
            ])
        #expect(fixture.send(.branchFailed(id, neighbour: a, reason: "refused")) == [])
        #expect(
            fixture.send(
                .branchFailureReported(id, neighbour: b, failed: key("a"), reason: "refused")) == []
        )
        #expect(fixture.end(b) == [.finished(id, coverage(reached: 1, failed: 1))])
    }

    @Test("A failure that a neighbour reports is passed on, unless that peer answered")
    func reported() {
        var fixture = RouterFixture.opened(local: false)
        let failed = Router.Event.branchFailureReported(
            id, neighbour: a, failed: key("c"), reason: "refused")
        #expect(fixture.send(failed) == [.emit(id, .failure(key("c"), reason: "refused"))])
        #expect(fixture.send(failed) == [])
        #expect(
            fixture.send(.branchAnswered(id, neighbour: b, from: key("c"), "1")) == [
                .emit(id, .answer(from: key("c"), "1"))
            ])
        #expect(fixture.send(failed) == [])
        _ = fixture.end(a)
        #expect(
            fixture.end(b) == [.finished(id, coverage(reached: 2))],
            "it was reached by another way, so it did not fail")
    }

    @Test("A branch that broke after its neighbour's answer leaves the answer truncated")
    func brokenLater() {
        var fixture = RouterFixture.opened(local: false)
        fixture.send(.branchAnswered(id, neighbour: a, from: key("a"), "1"))
        #expect(
            fixture.send(.branchFailed(id, neighbour: a, reason: "reset")) == [
                .unreachable(a, reason: "reset")
            ])
        #expect(fixture.end(b) == [.finished(id, coverage(reached: 2, truncated: true))])
    }

    @Test("A failing catalog is a failure of this peer, and the neighbours' answers count")
    func localFailure() {
        var fixture = RouterFixture.opened()
        #expect(
            fixture.send(.localFailed(id, reason: "disk")) == [
                .emit(id, .failure(key("self"), reason: "disk"))
            ])
        #expect(fixture.send(.localFailed(id, reason: "disk")) == [])
        #expect(fixture.send(.localAnswered(id, "late")) == [])
        _ = fixture.end(a)
        #expect(fixture.end(b) == [.finished(id, coverage(failed: 1))])
    }

    @Test("A branch that was cut short marks the whole answer")
    func truncatedBranch() {
        var fixture = RouterFixture.opened(local: false)
        fixture.send(.branchEnded(id, neighbour: a, duplicate: false, truncated: true))
        #expect(fixture.end(b) == [.finished(id, coverage(reached: 1, truncated: true))])
    }

    @Test("At the deadline open branches are cancelled and named; who was silent is unreachable")
    func deadline() {
        var fixture = RouterFixture.opened()
        fixture.send(.branchAnswered(id, neighbour: a, from: key("a"), "1"))
        fixture.now = .zero + .milliseconds(9999)
        #expect(fixture.send(.ticked) == [])
        fixture.now = .zero + .seconds(10)
        #expect(
            fixture.send(.ticked) == [
                .cancel(id, neighbour: a), .cancel(id, neighbour: b),
                .emit(id, .failure(key("self"), reason: tooLate)),
                .emit(id, .failure(key("b"), reason: tooLate)),
                .unreachable(b, reason: tooLate),
                .finished(
                    id, coverage(reached: 1, failed: 2, truncated: true, timedOut: true)),
            ])
        #expect(fixture.send(.ticked) == [])
    }

    @Test("No query stays open longer than the bound")
    func durationBounded() {
        var fixture = RouterFixture()
        fixture.start([], seconds: 9999)
        fixture.now = .zero + .seconds(60)
        #expect(fixture.send(.ticked).count == 2)
        #expect(fixture.router.openCount == 0)
    }

    @Test(
        "A neighbour gets a tenth of the time less, at least 20 ms, at most 500 ms",
        arguments: [(100, 80), (1000, 900), (20_000, 19_500)])
    func margin(given: Int, forwarded: Int) {
        var fixture = RouterFixture()
        let query = Query(
            id: id, text: "", fanout: 1, ttl: 1, deadline: .zero + .milliseconds(given),
            origin: url("self"))
        let effects = fixture.send(
            .started(query, neighbours: [neighbour("a")], asker: nil, alreadyAsked: []))
        let deadlines = effects.compactMap {
            if case .ask(_, let query, _) = $0 { query.deadline } else { nil }
        }
        #expect(deadlines == [.zero + .milliseconds(forwarded)])
    }

    @Test("With no time left for a hop nobody is asked, and the answer says truncated")
    func noTime() {
        var fixture = RouterFixture()
        let query = Query(
            id: id, text: "", fanout: 1, ttl: 1, deadline: .zero + .milliseconds(20),
            origin: url("self"))
        #expect(
            fixture.send(
                .started(query, neighbours: [neighbour("a")], asker: nil, alreadyAsked: []))
                == [.searchHere(query)])
        #expect(
            fixture.send(.localAnswered(id, "own")).last
                == .finished(id, coverage(reached: 1, truncated: true)))
    }

    @Test("Past the bound of open queries one is refused, and may come again")
    func busy() {
        var fixture = RouterFixture { $0.openMax = 1 }
        fixture.start([neighbour("a")])
        let other = QueryID(high: 5, low: 5)
        #expect(fixture.start([], id: other) == [.refused(other, .busy)])
        fixture.send(.cancelled(id))
        #expect(fixture.start([], id: other).count == 1)
    }

    @Test("Past the bound of answers the query ends, truncated")
    func answersBounded() {
        var fixture = RouterFixture.opened(local: true) { $0.recordsMax = 1 }
        fixture.send(.branchAnswered(id, neighbour: a, from: key("a"), "1"))
        #expect(
            fixture.send(.branchAnswered(id, neighbour: a, from: key("c"), "2")) == [
                .cancel(id, neighbour: a), .cancel(id, neighbour: b),
                .finished(id, coverage(reached: 1, truncated: true)),
            ])
    }

    @Test("Past the bound of failures the query ends, truncated")
    func failuresBounded() {
        var fixture = RouterFixture.opened(local: false) { $0.recordsMax = 1 }
        func failed(_ name: String) -> Router.Event {
            .branchFailureReported(id, neighbour: a, failed: key(name), reason: "x")
        }
        fixture.send(failed("c"))
        #expect(
            fixture.send(failed("d")) == [
                .cancel(id, neighbour: a), .cancel(id, neighbour: b),
                .finished(id, coverage(reached: 1, failed: 1, truncated: true)),
            ])
    }

    @Test("A cancelled query cancels its branches and says nothing more")
    func cancelled() {
        var fixture = RouterFixture.opened()
        #expect(
            fixture.send(.cancelled(id)) == [
                .cancel(id, neighbour: a), .cancel(id, neighbour: b),
            ])
        for event in Self.late { #expect(fixture.send(event) == [], "\(event)") }
        #expect(fixture.start([]) == [.refused(id, .duplicate)])
    }

    /// Every event that names a query, but its start.
    static let late: [Router.Event] = [
        .localAnswered(id, "x"), .localFailed(id, reason: "x"),
        .branchAnswered(id, neighbour: a, from: key("a"), "x"),
        .branchFailureReported(id, neighbour: a, failed: key("c"), reason: "x"),
        .branchEnded(id, neighbour: a, duplicate: false, truncated: false),
        .branchFailed(id, neighbour: a, reason: "x"), .cancelled(id), .ticked,
    ]

    @Test("What is late for a query that never was, or is finished, changes nothing")
    func late() {
        var fixture = RouterFixture()
        for event in Self.late { #expect(fixture.send(event) == [], "\(event)") }
        fixture.start([])
        fixture.send(.localAnswered(id, "own"))
        for event in Self.late { #expect(fixture.send(event) == [], "\(event)") }
    }

    @Test("What is late for a branch that ended, or never was, changes nothing")
    func lateBranch() {
        var fixture = RouterFixture.opened(local: false)
        _ = fixture.end(a)
        for event in Self.late.dropLast(2) { #expect(fixture.send(event) == [], "\(event)") }
        #expect(
            fixture.send(.branchFailed(id, neighbour: url("stranger"), reason: "x")) == [])
        #expect(fixture.end(b) == [.finished(id, coverage(reached: 1))])
    }

    @Test("An id is 16 bytes, and comes back from them")
    func ids() {
        let bytes = (0..<16).map { UInt8($0) }
        #expect(QueryID(bytes)?.bytes == bytes)
        #expect(QueryID(bytes)?.description == "000102030405060708090a0b0c0d0e0f")
        #expect(QueryID(bytes.dropLast()) == nil)
        #expect(QueryID(bytes + [0]) == nil)
        #expect(QueryID(high: 1, low: 9) < QueryID(high: 2, low: 0))
    }
}
