import Testing

@testable import Transfer

/// Whole sources p0, p1... of a file of so many pieces, but the last byte.
func wholes(_ count: Int, pieces: Int) -> [SourceOffer] {
    (0..<count).map { offer($0, pieces: pieces) }
}

func offer(_ number: Int, pieces: Int, having some: [Int]? = nil) -> SourceOffer {
    let candidate = FetchCandidate(
        peer: "p\(number)", path: "f", size: max(0, Int64(pieces) << 20 - 1))
    guard let some else { return SourceOffer(candidate: candidate) }
    var set = PieceSet(pieceCount: pieces)
    for piece in some { set.insert(piece) }
    return SourceOffer(candidate: candidate, holding: .pieces(set))
}

/// A plan and its clock; what it asks for is looked up by peer.
struct PlanBench {
    typealias Effect = DownloadPlan.Effect

    var plan: DownloadPlan
    var now = Duration.zero
    var last: [Effect] = []

    /// - Parameter fetching: Whether it has its manifest, from the first source, and an empty disk.
    init(_ offers: [SourceOffer], fetching: Bool = true) {
        plan = DownloadPlan(offers: offers, seed: 7)
        guard fetching, let size = offers.first?.candidate.size else { return }
        let count = PieceLayout(size: size).pieceCount
        send(.started(.init(size: size, verified: PieceSet(pieceCount: count))))
    }

    @discardableResult
    mutating func send(_ event: DownloadPlan.Event, after pause: Duration = .zero) -> [Effect] {
        now += pause
        last = plan.handle(event, now: now)
        return last
    }

    /// Lets time pass by ticks of a quarter of a second.
    mutating func wait(_ time: Duration) -> [Effect] {
        var all: [Effect] = []
        let end = now + time
        while now < end { all += send(.ticked, after: .milliseconds(250)) }
        return all
    }

    /// The open request of a source, the oldest first.
    func request(_ peer: Int) -> Int? {
        plan.requests.filter { $0.value.source == peer }.keys.min()
    }

    func waiting(_ peer: Int) -> [Int] {
        plan.requests.filter { $0.value.source == peer }.sorted { $0.key < $1.key }
            .flatMap(\.value.waiting)
    }

    /// The source brings its next piece, after `pause`.
    @discardableResult
    mutating func give(_ peer: Int, after pause: Duration = .zero) -> [Effect] {
        guard let request = request(peer), let piece = plan.requests[request]?.waiting.first
        else { return [] }
        now += pause
        send(.bytesReceived(request: request, count: 1 << 20))
        return send(.pieceStored(request: request, piece: piece))
    }
}

@Suite struct DownloadPlanTests {
    @Test("A small file needs no manifest: one request, verified, published, done")
    func smallFile() {
        var bench = PlanBench(wholes(2, pieces: 1), fetching: false)
        let size = Int64(1 << 20 - 1)
        #expect(bench.send(.started(nil)) == [.use(manifest: nil, size: size), .check])
        let empty = PieceSet(pieceCount: 1)
        let first = wholes(1, pieces: 1)[0].candidate
        #expect(bench.send(.piecesChecked(empty)) == [.request(0, first, pieces: 0..<1)])
        #expect(bench.send(.pieceStored(request: 0, piece: 0)) == [.verify])
        #expect(bench.send(.verified) == [.publish])
        #expect(bench.send(.published) == [.finish(.done)])
        #expect(bench.plan.verifiedBytes == size)
    }

    @Test("An empty file asks nobody")
    func emptyFile() {
        var bench = PlanBench(wholes(1, pieces: 0), fetching: false)
        #expect(bench.send(.started(nil)) == [.use(manifest: nil, size: 0), .check])
        #expect(bench.send(.piecesChecked(PieceSet(pieceCount: 0))) == [.verify])
    }

    @Test("A larger one asks for the manifest, compares what is there, and asks for the rest")
    func manifest() {
        var bench = PlanBench(wholes(2, pieces: 4), fetching: false)
        let first = wholes(1, pieces: 4)[0].candidate
        #expect(bench.send(.started(nil)) == [.fetchManifest(request: 0, first)])
        #expect(
            bench.send(.manifestReceived(request: 0)) == [
                .use(manifest: 0, size: first.size), .check,
            ])
        var there = PieceSet(pieceCount: 4)
        there.insert(0)
        bench.send(.piecesChecked(there))
        #expect(bench.waiting(0) == [1] && bench.waiting(1) == [2])
    }

    @Test("Afresh it asks for pieces at once; when the whole is wrong, a manifest says what is")
    func trust() {
        var bench = PlanBench(wholes(2, pieces: 2), fetching: false)
        let candidates = wholes(2, pieces: 2).map(\.candidate)
        let size = candidates[0].size
        #expect(bench.send(.startedAfresh) == [.use(manifest: nil, size: size), .check])
        #expect(
            bench.send(.piecesChecked(PieceSet(pieceCount: 2))) == [
                .request(0, candidates[0], pieces: 0..<1),
                .request(1, candidates[1], pieces: 1..<2),
            ])
        bench.give(0)
        #expect(bench.give(1) == [.verify])
        #expect(bench.send(.mismatched) == [.fetchManifest(request: 2, candidates[0])])
        #expect(
            bench.send(.manifestReceived(request: 2)) == [.use(manifest: 2, size: size), .check])
        var fits = PieceSet(pieceCount: 2)
        fits.insert(1)
        // Both are as good as new: who sends the piece wrong now is banned.
        #expect(
            bench.send(.piecesChecked(fits)) == [.request(3, candidates[0], pieces: 0..<1)])
        #expect(
            bench.send(.pieceMismatched(request: 3, piece: 0)) == [
                .cancel(request: 3), .ban(candidates[0], .badPiece(0)),
                .request(4, candidates[1], pieces: 0..<1),
            ])
        bench.send(.pieceStored(request: 4, piece: 0))
        #expect(bench.send(.verified) == [.publish])
    }

    @Test("On trust the size is that which most announce")
    func trustedSize() {
        let odd = SourceOffer(candidate: FetchCandidate(peer: "p9", path: "f", size: 3 << 20))
        var bench = PlanBench([odd] + wholes(2, pieces: 4), fetching: false)
        let size = wholes(1, pieces: 4)[0].candidate.size
        #expect(bench.send(.startedAfresh) == [.use(manifest: nil, size: size), .check])
    }

    @Test("Bytes that wait here are no silence of the source")
    func held() {
        var bench = PlanBench(wholes(1, pieces: 4))
        for _ in 0..<4 {
            _ = bench.wait(.seconds(10))
            bench.send(.bytesHeld(request: bench.request(0) ?? -1))
        }
        #expect(bench.plan.sources[0].failures == 0)
        _ = bench.wait(.seconds(20))
        #expect(bench.plan.sources[0].reason == .stalled)
    }

    @Test("A source that gives no manifest is followed by the next")
    func manifestRefused() {
        var bench = PlanBench(wholes(2, pieces: 4), fetching: false)
        bench.send(.started(nil))
        let second = offer(1, pieces: 4).candidate
        let refused = DownloadPlan.Event.requestFailed(request: 0, .refused("old version"))
        #expect(bench.send(refused).first == .fetchManifest(request: 1, second))
    }

    @Test("Without a source it searches once, and fails")
    func nobody() {
        var bench = PlanBench([], fetching: false)
        #expect(bench.send(.started(nil)) == [.findSources])
        #expect(bench.send(.sourcesFound([])) == [.finish(.sourcesFailed([]))])
    }

    @Test("An unproven source is tried with one piece; a fast one is then asked for more ahead")
    func pipeline() {
        var bench = PlanBench(wholes(2, pieces: 5000))
        #expect(bench.waiting(0).count == 1 && bench.waiting(1).count == 1)
        // 40 MiB/s and 2 MiB/s.
        for _ in 0..<40 {
            for _ in 0..<20 { bench.give(0, after: .milliseconds(25)) }
            bench.give(1)
        }
        #expect(bench.waiting(0).count > 16, "\(bench.waiting(0).count)")
        #expect(bench.waiting(1).count <= 5, "\(bench.waiting(1).count)")
    }

    @Test("At the end the pieces are shared out by speed")
    func share() {
        var bench = PlanBench(wholes(2, pieces: 100))
        for _ in 0..<100 where bench.plan.description?.picker.free.isEmpty == false {
            for _ in 0..<9 { bench.give(0, after: .milliseconds(100)) }
            bench.give(1, after: .milliseconds(100))
        }
        let rest = bench.waiting(0).count + bench.waiting(1).count
        #expect(bench.waiting(1).count <= max(2, rest / 3))
    }

    @Test("Whole sources are asked in the file's order; with a partial one the rarest come first")
    func rarestFirst() {
        var bench = PlanBench(wholes(1, pieces: 64))
        for _ in 0..<5 { bench.give(0) }
        #expect(bench.plan.verified?.pieces == [0, 1, 2, 3, 4])
        // p1 and p2 have all that is left but piece 40, which p0 alone has.
        let most = Array(5..<64).filter { $0 != 40 }
        bench.send(.sourceUpdated(offer(1, pieces: 64, having: most)))
        bench.send(.sourceUpdated(offer(2, pieces: 64, having: most)))
        for _ in 0..<20 where bench.waiting(0).contains(where: { $0 < 40 }) { bench.give(0) }
        #expect(bench.plan.verified?.contains(40) == true || bench.waiting(0).contains(40))
    }

    @Test("Two receivers ask for equally rare pieces in different orders")
    func seeds() {
        func first(seed: UInt64) -> [Int] {
            var plan = DownloadPlan(
                offers: [offer(0, pieces: 64, having: Array(0..<64))], seed: seed)
            let verified = PieceSet(pieceCount: 64)
            var asked: [Int] = []
            var effects = plan.handle(
                .started(.init(size: 64 << 20 - 1, verified: verified)), now: .zero)
            while asked.count < 10, case .request(let id, _, let pieces) = effects.last {
                asked += pieces
                effects = plan.handle(
                    .pieceStored(request: id, piece: pieces.lowerBound), now: .zero)
            }
            return asked
        }
        #expect(first(seed: 1) == first(seed: 1))
        #expect(first(seed: 1) != first(seed: 2))
    }

    @Test("A source that stalls is relieved: its pieces go to others, and it rests")
    func stall() {
        var bench = PlanBench(wholes(2, pieces: 300))
        let stalled = bench.waiting(1)
        let request = bench.request(1) ?? -1
        for _ in 0..<60 {
            bench.give(0, after: .milliseconds(250))
            bench.send(.ticked)
            if bench.request(1) == nil { break }
        }
        #expect(bench.plan.sources[1].reason == .stalled)
        #expect(bench.plan.requests[request] == nil)
        for _ in 0..<300 where bench.plan.state == .fetching {
            bench.give(0, after: .milliseconds(10))
        }
        #expect(stalled.allSatisfy { bench.plan.verified?.contains($0) == true })
    }

    @Test("One that sends a wrong piece is banned and named, and a proven one is asked for it")
    func ban() {
        var bench = PlanBench(wholes(3, pieces: 20))
        bench.give(0)
        let (request, piece) = (bench.request(1) ?? -1, bench.waiting(1)[0])
        let effects = bench.send(.pieceMismatched(request: request, piece: piece))
        #expect(effects.contains(.ban(offer(1, pieces: 20).candidate, .badPiece(piece))))
        #expect(bench.waiting(1).isEmpty && !bench.waiting(2).contains(piece))
        bench.send(.sourceUpdated(offer(1, pieces: 20)))
        for _ in 0..<100 where bench.plan.state == .fetching {
            bench.give(0)
            bench.send(.ticked, after: .milliseconds(100))
        }
        #expect(bench.plan.state == .verifying)
        #expect(bench.plan.sources[1].piecesGiven == 0)
    }

    @Test(
        "The manifest's giver is banned when the whole does not fit, and the accused are acquitted")
    func lyingManifest() {
        var bench = PlanBench(wholes(2, pieces: 2), fetching: false)
        let (liar, honest) = (offer(0, pieces: 2).candidate, offer(1, pieces: 2).candidate)
        bench.send(.started(nil))
        bench.send(.manifestReceived(request: 0))
        bench.send(.piecesChecked(PieceSet(pieceCount: 2)))
        bench.send(
            .pieceMismatched(request: bench.request(1) ?? -1, piece: bench.waiting(1)[0]))
        for _ in 0..<10 where bench.plan.state == .fetching { bench.give(0) }
        #expect(bench.send(.mismatched) == [.check])
        let effects = bench.send(.piecesChecked(PieceSet(allOf: 2)))
        #expect(effects.prefix(2) == [.ban(liar, .manifestMismatch), .acquit(honest)])
        #expect(effects.dropFirst(2).first == .fetchManifest(request: 4, honest), "\(effects)")
    }

    @Test("A disk that lost bytes is filled again, and nobody is blamed")
    func lostBytes() {
        var bench = PlanBench(wholes(1, pieces: 3))
        for _ in 0..<10 where bench.plan.state == .fetching { bench.give(0) }
        #expect(bench.send(.mismatched) == [.check])
        var there = PieceSet(allOf: 3)
        there.remove(1)
        bench.send(.piecesChecked(there))
        #expect(bench.waiting(0) == [1])
        #expect(bench.give(0) == [.verify])
    }

    @Test("In the end game a slow source's piece is asked of another; the later one is cancelled")
    func endGame() {
        var bench = PlanBench(wholes(2, pieces: 40))
        bench.give(1)
        for _ in 0..<60 { bench.give(0, after: .milliseconds(50)) }
        _ = bench.wait(.seconds(3))
        for _ in 0..<100 where bench.plan.state == .fetching {
            #expect(bench.plan.requests.count <= 4)
            bench.give(0, after: .milliseconds(50))
        }
        #expect(bench.plan.state == .verifying && bench.plan.requests.isEmpty)
        #expect(bench.plan.description?.arrivals.allSatisfy { $0 == 1 } == true)
    }

    @Test("A source is tried again after pauses that double, then it is out")
    func retries() {
        var bench = PlanBench(wholes(1, pieces: 4))
        for pause in [500, 1000, 2000, 4000, 8000] {
            let request = bench.request(0) ?? -1
            bench.send(.requestFailed(request: request, .failed("reset")))
            #expect(bench.request(0) == nil)
            bench.send(.ticked, after: .milliseconds(pause - 1))
            #expect(bench.request(0) == nil)
            if bench.last == [.findSources] { bench.send(.sourcesFound([])) }
            bench.send(.ticked, after: .milliseconds(1))
            #expect(bench.request(0) != nil)
        }
        let request = bench.request(0) ?? -1
        let failure = FetchFailure(peer: "p0", path: "f", reason: .failed("reset"))
        #expect(
            bench.send(.requestFailed(request: request, .failed("reset")))
                == [.finish(.sourcesFailed([failure]))])
    }

    @Test("All requests of a lost connection count as one failure")
    func lostConnection() {
        var bench = PlanBench(wholes(1, pieces: 60))
        for _ in 0..<20 { bench.give(0, after: .milliseconds(10)) }
        #expect(bench.plan.requests.count > 1)
        for request in bench.plan.requests.keys.sorted() {
            bench.send(.requestFailed(request: request, .failed("reset")))
        }
        #expect(bench.plan.sources[0].failures == 1 && bench.plan.requests.isEmpty)
    }

    @Test("With few sources others are looked for, less and less often; a new one is asked at once")
    func search() {
        var bench = PlanBench(wholes(1, pieces: 2000))
        var searches: [Duration] = []
        while bench.now < .seconds(100) {
            let effects = bench.give(0, after: .milliseconds(250))
            if (effects + bench.send(.ticked)).contains(.findSources) {
                searches.append(bench.now)
                bench.send(.sourcesFound(wholes(1, pieces: 2000)))
            }
        }
        #expect(searches == [.seconds(10), .seconds(30), .seconds(70)])
        bench.send(.sourceUpdated(offer(1, pieces: 2000)))
        #expect(bench.request(1) != nil)
    }

    @Test("More sources than the bound are not taken in")
    func sourcesMax() {
        var bench = PlanBench(wholes(100, pieces: 4))
        bench.send(.sourcesFound((100..<200).map { offer($0, pieces: 4) }))
        #expect(bench.plan.sources.count == bench.plan.configuration.sourcesMax)
    }

    @Test("Partial sources that lack a piece are waited for, not for ever, and are named")
    func lackingPiece() {
        var bench = PlanBench([offer(0, pieces: 3, having: [0, 1])])
        while !bench.waiting(0).isEmpty { bench.give(0) }
        var searches = 0
        while bench.plan.state == .fetching, bench.now < .seconds(600) {
            if bench.last.contains(.findSources) {
                searches += 1
                bench.send(.sourcesFound([]))
            } else {
                bench.send(.ticked, after: .milliseconds(250))
            }
        }
        let failure = FetchFailure(peer: "p0", path: "f", reason: .lacksPieces)
        #expect(bench.last == [.finish(.sourcesFailed([failure]))])
        #expect(searches == bench.plan.configuration.fruitlessSearchesMax)
    }

    @Test("A pause cancels all requests and keeps the pieces; going on asks for the rest")
    func pause() {
        var bench = PlanBench(wholes(1, pieces: 4))
        bench.give(0)
        let requests = bench.plan.requests.keys.sorted()
        #expect(bench.send(.paused) == requests.map { .cancel(request: $0) })
        #expect(bench.wait(.seconds(60)).isEmpty)
        bench.send(.resumed)
        #expect(bench.waiting(0) == [1, 2])
    }

    @Test("A failing disk, a cancellation and a taken name end it")
    func ends() {
        for (event, outcome) in [
            (DownloadPlan.Event.diskFailed, FetchOutcome.diskFailed), (.cancelled, .cancelled),
        ] {
            var bench = PlanBench(wholes(1, pieces: 4))
            let request = bench.request(0) ?? -1
            #expect(bench.send(event) == [.cancel(request: request), .finish(outcome)])
        }
        var bench = PlanBench(wholes(1, pieces: 1))
        bench.give(0)
        bench.send(.verified)
        #expect(bench.send(.publishRefused) == [.finish(.alreadyExists)])
    }

    static let events: [DownloadPlan.Event] = [
        .started(nil), .manifestReceived(request: 0), .piecesChecked(PieceSet(pieceCount: 4)),
        .bytesReceived(request: 0, count: 1), .pieceStored(request: 0, piece: 0),
        .pieceMismatched(request: 0, piece: 0), .requestEnded(request: 0),
        .requestFailed(request: 0, .failed("")), .ticked, .verified, .mismatched, .published,
        .publishRefused,
    ]

    @Test("Every event that a state does not wait for changes nothing")
    func cells() {
        let idle = PlanBench(wholes(1, pieces: 4), fetching: false)
        var describing = idle
        describing.send(.started(nil))
        var checking = describing
        checking.send(.manifestReceived(request: 0))
        let fetching = PlanBench(wholes(1, pieces: 4))
        var verifying = fetching
        for _ in 0..<10 where verifying.plan.state == .fetching { verifying.give(0) }
        var publishing = verifying
        publishing.send(.verified)
        var finished = publishing
        finished.send(.published)
        let progress: Set<DownloadPlan.Event> = [
            .bytesReceived(request: 0, count: 1), .requestEnded(request: 0),
            .requestFailed(request: 0, .failed("")), .ticked,
        ]
        let table: [(PlanBench, Set<DownloadPlan.Event>)] = [
            (idle, [.started(nil)]),
            (describing, progress.union([.manifestReceived(request: 0)])),
            (checking, [.piecesChecked(PieceSet(pieceCount: 4))]),
            (
                fetching,
                progress.union([
                    .pieceStored(request: 0, piece: 0), .pieceMismatched(request: 0, piece: 0),
                ])
            ),
            (verifying, [.verified, .mismatched]),
            (publishing, [.published, .publishRefused]), (finished, []),
        ]
        for (bench, awaited) in table {
            for event in Self.events where !awaited.contains(event) {
                var copy = bench
                #expect(copy.send(event) == [], "\(bench.plan.state) \(event)")
                #expect(copy.plan.state == bench.plan.state, "\(bench.plan.state) \(event)")
                #expect(
                    copy.plan.requests.keys == bench.plan.requests.keys,
                    "\(bench.plan.state) \(event)")
            }
        }
    }

    @Test("Events of requests that are not open change nothing")
    func strangers() {
        for event: DownloadPlan.Event in [
            .pieceStored(request: 99, piece: 0), .pieceMismatched(request: 99, piece: 0),
            .pieceStored(request: 0, piece: 3), .pieceMismatched(request: 0, piece: 3),
            .bytesReceived(request: 99, count: 1), .requestEnded(request: 99),
            .requestFailed(request: 99, .stalled), .manifestReceived(request: 0),
        ] {
            var bench = PlanBench(wholes(1, pieces: 4))
            #expect(bench.send(event) == [], "\(event)")
            #expect(bench.plan.verified?.isEmpty == true && bench.waiting(0) == [0])
        }
    }
}
