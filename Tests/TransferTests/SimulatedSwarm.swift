import Testing

@testable import Transfer

/// A world for ``DownloadPlan``: peers of all manners, a disk, and a clock, all from one seed.
///
/// A piece's bytes are a number: 0 is right, a liar's are its own. A manifest is the numbers that
/// the pieces should have.
struct SimulatedSwarm {
    enum Manner: CaseIterable {
        case honest
        /// Its connection is lost now and then.
        case flaky
        /// Every so often a wrong piece.
        case liar
        /// All pieces wrong, and its manifest says so too.
        case forger
        /// Its manifest is right but for a piece, which it never gives.
        case framer
        case silent
        case refusing
        case endless
        case short
        /// Still fetching: has some pieces, and gets more.
        case partial
        case otherSize
    }

    struct Peer {
        let manner: Manner
        let candidate: FetchCandidate
        var holding: PieceSet
        var manifest: [UInt8]

        var offer: SourceOffer {
            SourceOffer(
                candidate: candidate, holding: manner == .partial ? .pieces(holding) : .whole)
        }
    }

    struct Active {
        let peer: Int
        var pieces: [Int]
        let isManifest: Bool
    }

    let seed: UInt64
    let pieceCount: Int
    let size: Int64
    var random: UInt64
    var peers: [Peer] = []
    /// Those that a search finds; the others are not born yet.
    var known: Int
    var plan: DownloadPlan
    var active: [Int: Active] = [:]
    var disk: [UInt8]
    var inUse: [UInt8]?
    /// Whether it begins on trust, where that can be; else with a manifest.
    var beginsOnTrust = false
    /// Nothing proves pieces.
    var isOnTrust = false
    var manifests: [Int: [UInt8]] = [:]
    var now = Duration.zero
    var outcome: FetchOutcome?
    /// By the manifest in use; on trust, by the truth.
    var right: [Int: Int] = [:]
    var wrong: [Int: Int] = [:]
    var inEndGame: Set<Int> = []
    var banned: Set<String> = []

    /// - Parameter manners: Of the peers in the order in which they are found.
    init(seed: UInt64, pieceCount: Int, manners: [Manner], known: Int) {
        self.seed = seed
        self.pieceCount = pieceCount
        self.known = known
        random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        size = pieceCount == 0 ? 0 : Int64(pieceCount - 1) << 20 | 1000
        disk = Array(repeating: 255, count: pieceCount)
        plan = DownloadPlan(offers: [], seed: seed)
        for (number, manner) in manners.enumerated() {
            peers.append(peer(number, manner))
        }
        plan = DownloadPlan(offers: peers.prefix(known).map(\.offer), seed: seed)
    }

    mutating func roll(_ bound: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(bound))
    }

    private mutating func peer(_ number: Int, _ manner: Manner) -> Peer {
        var holding = PieceSet(allOf: pieceCount)
        if manner == .partial {
            for piece in 0..<pieceCount where roll(2) == 0 { holding.remove(piece) }
        }
        var manifest = [UInt8](repeating: 0, count: pieceCount)
        if manner == .forger { manifest = manifest.map { _ in UInt8(number + 1) } }
        if manner == .otherSize {
            manifest = Array(repeating: 77, count: pieceCount + 5)
            holding = PieceSet(allOf: manifest.count)
        }
        if manner == .framer, pieceCount > 0 { manifest[roll(pieceCount)] = UInt8(number + 1) }
        return Peer(
            manner: manner,
            candidate: FetchCandidate(
                peer: "p\(number)", path: "f",
                size: manner == .otherSize ? size + (5 << 20) : size),
            holding: holding, manifest: manifest)
    }

    /// Whether the disk has the file that is wanted.
    var isComplete: Bool { disk.count == pieceCount && disk.allSatisfy { $0 == 0 } }

    // MARK: - Running

    mutating func run(steps: Int = 60_000) {
        perform(plan.handle(beginsOnTrust ? .startedAfresh : .started(nil), now: now))
        for _ in 0..<steps where outcome == nil {
            if roll(8) == 0 { tick() } else { step() }
        }
    }

    private mutating func tick() {
        now += .milliseconds(250)
        for index in peers.indices where peers[index].manner == .partial && index < known {
            guard roll(8) == 0, let piece = missing(of: index) else { continue }
            peers[index].holding.insert(piece)
            send(.sourceUpdated(peers[index].offer))
        }
        send(.ticked)
    }

    private mutating func missing(of peer: Int) -> Int? {
        let missing = PieceSet(allOf: pieceCount).subtracting(peers[peer].holding).pieces
        return missing.isEmpty ? nil : missing[roll(missing.count)]
    }

    mutating func send(_ event: DownloadPlan.Event) {
        perform(plan.handle(event, now: now))
    }

    /// Something happens in one of the requests.
    private mutating func step() {
        let ids = active.keys.sorted()
        guard !ids.isEmpty else { return tick() }
        let id = ids[roll(ids.count)]
        guard let request = active[id] else { return }
        let peer = peers[request.peer]
        switch peer.manner {
        case .silent where roll(4) > 0: return
        case .refusing: return fail(id, .refused("not here"))
        case .endless where roll(4) == 0: return fail(id, .sentTooMuch)
        case .flaky where roll(6) == 0: return fail(id, .failed("reset"))
        case .short where roll(3) == 0:
            active[id] = nil
            return send(.requestEnded(request: id))
        case .silent: return
        default: break
        }
        send(.bytesReceived(request: id, count: 1 + roll(1 << 20)))
        if request.isManifest { give(manifestOf: peer, id) } else { give(pieceOf: peer, id) }
    }

    private mutating func fail(_ id: Int, _ reason: FetchReason) {
        active[id] = nil
        send(.requestFailed(request: id, reason))
    }

    private mutating func give(manifestOf peer: Peer, _ id: Int) {
        active[id] = nil
        manifests[id] = peer.manifest
        send(.manifestReceived(request: id))
    }

    private mutating func give(pieceOf peer: Peer, _ id: Int) {
        guard var request = active[id], let piece = request.pieces.first else { return }
        var value = [.forger, .otherSize].contains(peer.manner) ? peer.manifest[piece] : 0
        if peer.manner == .liar, roll(4) == 0 { value = 99 }
        if peer.manner == .framer, peer.manifest[piece] != 0 { return fail(id, .failed("reset")) }
        request.pieces.removeFirst()
        active[id] = request.pieces.isEmpty ? nil : request
        guard let inUse else { return }
        if isOnTrust || inUse[piece] == value {
            disk[piece] = value
            if inUse[piece] == value {
                right[piece, default: 0] += 1
            } else {
                wrong[piece, default: 0] += 1
            }
            send(.pieceStored(request: id, piece: piece))
        } else {
            wrong[piece, default: 0] += 1
            send(.pieceMismatched(request: id, piece: piece))
        }
    }

    // MARK: - Effects

    private mutating func perform(_ first: [DownloadPlan.Effect]) {
        var effects = first[...]
        while let effect = effects.popFirst() {
            #expect(outcome == nil, "seed \(seed): \(effect) after the end")
            switch effect {
            case .fetchManifest(let request, let candidate):
                active[request] = Active(peer: index(candidate), pieces: [], isManifest: true)
            case .use(let manifest, let size):
                let count = PieceLayout(size: size).pieceCount
                inUse = manifest.map { manifests[$0] ?? [] } ?? Array(repeating: 0, count: count)
                let wasOnTrust = isOnTrust
                isOnTrust = manifest == nil && count > 1
                disk = Array(disk.prefix(count))
                disk += Array(repeating: 255, count: count - disk.count)
                if !wasOnTrust { (right, wrong, inEndGame) = ([:], [:], []) }
            case .check:
                let inUse = inUse ?? []
                var set = PieceSet(pieceCount: inUse.count)
                for piece in inUse.indices {
                    if disk[piece] == inUse[piece], !isOnTrust {
                        set.insert(piece)
                    } else {
                        right[piece] = nil
                    }
                }
                effects += plan.handle(.piecesChecked(set), now: now)
            case .request(let request, let candidate, let pieces):
                expectSense(pieces, of: candidate)
                active[request] = Active(
                    peer: index(candidate), pieces: Array(pieces), isManifest: false)
            case .cancel(let request):
                active[request] = nil
            case .findSources:
                known = min(peers.count, known + roll(3))
                let offers = peers.prefix(known).map(\.offer)
                effects += plan.handle(.sourcesFound(offers), now: now)
            case .ban(let candidate, _): banned.insert(candidate.peer)
            case .acquit(let candidate): banned.remove(candidate.peer)
            case .verify:
                let isRight = isComplete
                effects += plan.handle(isRight ? .verified : .mismatched, now: now)
            case .publish: effects += plan.handle(.published, now: now)
            case .finish(let end): outcome = end
            }
        }
    }

    private func index(_ candidate: FetchCandidate) -> Int {
        peers.firstIndex { $0.candidate == candidate } ?? 0
    }

    private mutating func expectSense(_ pieces: Range<Int>, of candidate: FetchCandidate) {
        let note: Comment = "seed \(seed): \(pieces) of \(candidate.peer)"
        #expect(!banned.contains(candidate.peer), note)
        for piece in pieces {
            #expect(peers[index(candidate)].holding.contains(piece), note)
            if active.values.contains(where: { $0.pieces.contains(piece) }) {
                inEndGame.insert(piece)
            } else {
                #expect(right[piece] == nil, note)
            }
        }
    }
}
