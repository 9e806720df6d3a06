import Crypto
import Locking
import NIOCore

/// Cuts what a source sends into the pieces that it was asked for.
final class PieceAssembly: Sendable {
    struct Piece: Sendable {
        let number: Int
        let range: Range<Int64>
        var chunks: [ByteBuffer] = []
        var count = 0

        var isWhole: Bool { count == range.count }
    }

    /// It sends more than it was asked for.
    struct TooMuch: Error {}

    private struct State {
        /// The one that is being filled; nil before its first byte.
        var current: Piece?
        var next: Int
    }

    private let layout: PieceLayout
    private let pieces: Range<Int>
    private let state: Locked<State>

    init(layout: PieceLayout, pieces: Range<Int>) {
        self.layout = layout
        self.pieces = pieces
        state = Locked(State(next: pieces.lowerBound))
    }

    /// Takes the next bytes.
    ///
    /// - Parameter begin: Called before the first byte of each piece, and waited for.
    /// - Returns: The pieces that they complete.
    func take(_ chunk: ByteBuffer, begin: () async -> Void) async throws(TooMuch) -> [Piece] {
        var rest = chunk
        var complete: [Piece] = []
        while rest.readableBytes > 0 {
            var piece: Piece
            if let current = state.withLock({ $0.current }) {
                piece = current
            } else {
                let number = state.withLock { $0.next }
                guard pieces.contains(number) else { throw TooMuch() }
                await begin()
                piece = Piece(number: number, range: layout.bytes(of: number))
            }
            let count = min(rest.readableBytes, piece.range.count - piece.count)
            guard let part = rest.readSlice(length: count) else { break }
            piece.chunks.append(part)
            piece.count += count
            if piece.isWhole { complete.append(piece) }
            state.withLock { [piece] state in
                state.current = piece.isWhole ? nil : piece
                state.next = piece.isWhole ? piece.number + 1 : piece.number
            }
        }
        return complete
    }

    /// Whether a piece was begun that is not complete.
    var isWithinPiece: Bool { state.withLock { $0.current != nil } }
}

extension Manifest {
    /// Whether these are the bytes that it describes.
    func fits(_ piece: PieceAssembly.Piece) -> Bool {
        var hasher = SHA256()
        for chunk in piece.chunks { hasher.update(chunk.readableBytesSpan) }
        return isDigest(Array(hasher.finalize()), of: piece.number)
    }
}
