/// A file at a peer, and which of its pieces are there.
package struct SourceOffer: Hashable, Sendable {
    package enum Holding: Hashable, Sendable {
        case whole
        /// The peer is still fetching the file, and gives what it has proved.
        case pieces(PieceSet)
    }

    package let candidate: FetchCandidate
    package let holding: Holding

    package init(candidate: FetchCandidate, holding: Holding = .whole) {
        self.candidate = candidate
        self.holding = holding
    }

    /// The set in the right number of pieces; nil where the peer announces another number.
    func pieces(of layout: PieceLayout) -> PieceSet? {
        guard candidate.size == layout.size else { return nil }
        switch holding {
        case .whole: return PieceSet(allOf: layout.pieceCount)
        case .pieces(let pieces): return pieces.pieceCount == layout.pieceCount ? pieces : nil
        }
    }

    var isWhole: Bool { holding == .whole }
}
