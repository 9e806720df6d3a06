/// Some of the pieces of one file, counted from 0.
package struct PieceSet: Hashable, Sendable {
    /// Of the whole file.
    package let pieceCount: Int
    /// Pieces in the set.
    package private(set) var count = 0
    /// Piece n is bit n % 64 of word n / 64; bits past the last piece are 0.
    private(set) var words: [UInt64]

    package init(pieceCount: Int) {
        precondition(pieceCount >= 0, "a file of \(pieceCount) pieces")
        self.pieceCount = pieceCount
        words = Array(repeating: 0, count: (pieceCount + 63) / 64)
    }

    /// All pieces of a file.
    package init(allOf pieceCount: Int) {
        self.init(pieceCount: pieceCount)
        for index in words.indices {
            words[index] = Self.mask(min(64, pieceCount - index * 64))
        }
        count = pieceCount
    }

    /// As peers and the database have it: piece n is bit n % 8, the lowest first, of byte n / 8.
    ///
    /// - Returns: nil where the length is not that of `pieceCount` bits, or a spare bit is set.
    package init?(bytes: [UInt8], pieceCount: Int) {
        guard pieceCount >= 0, bytes.count == (pieceCount + 7) / 8 else { return nil }
        self.init(pieceCount: pieceCount)
        for (index, byte) in bytes.enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
        }
        if let last = words.last, last & ~Self.mask(pieceCount - (words.count - 1) * 64) != 0 {
            return nil
        }
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    package var bytes: [UInt8] {
        (0..<(pieceCount + 7) / 8).map {
            UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8))
        }
    }

    package var isFull: Bool { count == pieceCount }
    package var isEmpty: Bool { count == 0 }

    package func contains(_ piece: Int) -> Bool {
        precondition((0..<pieceCount).contains(piece), "piece \(piece) of \(pieceCount)")
        return words[piece / 64] & 1 << UInt64(piece % 64) != 0
    }

    /// - Returns: Whether it is new.
    @discardableResult
    package mutating func insert(_ piece: Int) -> Bool {
        guard !contains(piece) else { return false }
        words[piece / 64] |= 1 << UInt64(piece % 64)
        count += 1
        return true
    }

    /// - Returns: Whether it was there.
    @discardableResult
    package mutating func remove(_ piece: Int) -> Bool {
        guard contains(piece) else { return false }
        words[piece / 64] &= ~(1 << UInt64(piece % 64))
        count -= 1
        return true
    }

    package func subtracting(_ other: PieceSet) -> PieceSet {
        combined(with: other) { $0 & ~$1 }
    }

    package func intersection(_ other: PieceSet) -> PieceSet {
        combined(with: other) { $0 & $1 }
    }

    /// The first piece of the set that is not below `start`.
    package func first(from start: Int = 0) -> Int? {
        guard start < pieceCount else { return nil }
        var index = start / 64
        var word = words[index] & ~Self.mask(start % 64)
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words[index]
        }
        return index * 64 + word.trailingZeroBitCount
    }

    /// In ascending order.
    package var pieces: [Int] {
        var pieces: [Int] = []
        pieces.reserveCapacity(count)
        var next = first()
        while let piece = next {
            pieces.append(piece)
            next = first(from: piece + 1)
        }
        return pieces
    }

    private func combined(
        with other: PieceSet, _ operation: (UInt64, UInt64) -> UInt64
    ) -> PieceSet {
        precondition(pieceCount == other.pieceCount, "\(pieceCount) and \(other.pieceCount) pieces")
        var result = self
        result.count = 0
        for index in words.indices {
            result.words[index] = operation(words[index], other.words[index])
            result.count += result.words[index].nonzeroBitCount
        }
        return result
    }

    /// The lowest `bits` bits.
    private static func mask(_ bits: Int) -> UInt64 {
        bits >= 64 ? .max : (1 << UInt64(bits)) - 1
    }
}
