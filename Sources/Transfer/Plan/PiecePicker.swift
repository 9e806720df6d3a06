/// Which piece is asked for next.
///
/// Rarest first (Cohen, "Incentives Build Robustness in BitTorrent", 2003, §2.4) as soon as a source
/// has only a part of the file: then others fetch it too, and what only one peer has is what they
/// lack. Between equally rare pieces the seed decides, so that two receivers ask for different ones
/// and can give them to each other. With whole sources alone nothing is rare, and the order is that
/// of the file: the disk likes it, and the whole file's SHA-256 can keep pace.
struct PiecePicker: Sendable {
    let pieceCount: Int
    private let seed: UInt64
    private(set) var verified: PieceSet
    /// Neither verified nor asked for.
    private(set) var free: PieceSet
    /// Came wrong from somebody.
    private(set) var bad: PieceSet
    /// Requests that a piece is part of.
    private var copies: [UInt8]
    /// Partial sources that have a piece. Those that have all add the same to each.
    private var availability: [UInt16]
    private var partialSources = 0

    init(pieceCount: Int, seed: UInt64) {
        self.pieceCount = pieceCount
        self.seed = seed
        verified = PieceSet(pieceCount: pieceCount)
        free = PieceSet(allOf: pieceCount)
        bad = PieceSet(pieceCount: pieceCount)
        copies = Array(repeating: 0, count: pieceCount)
        availability = Array(repeating: 0, count: pieceCount)
    }

    var isRarestFirst: Bool { partialSources > 0 }

    // MARK: - What is known

    mutating func addPartialSource(_ pieces: PieceSet) {
        partialSources += 1
        for piece in pieces.pieces { availability[piece] += 1 }
    }

    mutating func removePartialSource(_ pieces: PieceSet) {
        partialSources -= 1
        for piece in pieces.pieces { availability[piece] -= 1 }
    }

    mutating func markRequested(_ pieces: Range<Int>) {
        for piece in pieces {
            copies[piece] += 1
            free.remove(piece)
        }
    }

    /// One request less has it; without any it is to be asked for again.
    mutating func release(_ piece: Int) {
        precondition(copies[piece] > 0, "piece \(piece) is not asked for")
        copies[piece] -= 1
        if copies[piece] == 0, !verified.contains(piece) { free.insert(piece) }
    }

    mutating func markVerified(_ piece: Int) {
        free.remove(piece)
        bad.remove(piece)
        verified.insert(piece)
    }

    mutating func markBad(_ piece: Int) {
        if !verified.contains(piece) { bad.insert(piece) }
    }

    func copies(of piece: Int) -> Int { Int(copies[piece]) }

    // MARK: - Choosing

    /// The next pieces for a source that has `pieces`.
    ///
    /// - Parameters:
    ///   - avoiding: Not to be given, though missing.
    ///   - limit: At most so many, at least 1.
    /// - Returns: Free pieces, one after the other in the file; nil when it has none.
    func next(of pieces: PieceSet, avoiding: PieceSet?, limit: Int) -> Range<Int>? {
        var candidates = free.intersection(pieces)
        if let avoiding { candidates = candidates.subtracting(avoiding) }
        if isRarestFirst {
            return rarest(of: candidates).map { $0..<$0 + 1 }
        }
        guard let first = candidates.first() else { return nil }
        var end = first + 1
        while end < pieceCount, end - first < limit, candidates.contains(end) { end += 1 }
        return first..<end
    }

    private func rarest(of candidates: PieceSet) -> Int? {
        candidates.pieces.min {
            (availability[$0], rank(of: $0)) < (availability[$1], rank(of: $1))
        }
    }

    /// The seed's order: SplitMix64's mixing (Steele, Lea, Flood, OOPSLA 2014) of its n-th state.
    private func rank(of piece: Int) -> UInt64 {
        var mixed = seed &+ UInt64(piece + 1) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
