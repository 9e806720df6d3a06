/// Where the pieces of a file lie. All have the same length, but the last.
package struct PieceLayout: Hashable, Sendable {
    /// 1 MiB: a SHA-256 for each makes a manifest of 1/32768 of the file, and what is lost with
    /// a piece in flight is nothing (DESIGN.md, Transfers).
    package static let pieceBytes: Int64 = 1 << 20

    /// Bytes.
    package let size: Int64

    package init(size: Int64) {
        precondition(size >= 0, "a file of \(size) bytes")
        self.size = size
    }

    package var pieceCount: Int {
        Int(size / Self.pieceBytes) + (size % Self.pieceBytes == 0 ? 0 : 1)
    }

    /// Bytes of the file that piece number `piece` is.
    package func bytes(of piece: Int) -> Range<Int64> {
        bytes(of: piece..<piece + 1)
    }

    /// How many bytes these pieces have; only the last of the file may be shorter than the others.
    package func byteCount(of pieces: PieceSet) -> Int64 {
        let last = pieceCount - 1
        let whole = Int64(pieces.count) * Self.pieceBytes
        guard last >= 0, pieces.contains(last) else { return whole }
        return whole - Self.pieceBytes + Int64(bytes(of: last).count)
    }

    /// Bytes of the file that these pieces are.
    package func bytes(of pieces: Range<Int>) -> Range<Int64> {
        precondition(
            pieces.lowerBound >= 0 && pieces.upperBound <= pieceCount,
            "pieces \(pieces) of \(pieceCount)")
        let start = Int64(pieces.lowerBound) * Self.pieceBytes
        return start..<max(start, min(Int64(pieces.upperBound) * Self.pieceBytes, size))
    }
}
