/// A peer's id, the SHA-256 of its public key: 32 bytes, ordered as on a ring.
package struct PeerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let bytesCount = 32

    /// Big-endian, so that the order is the bytes' order.
    let first: UInt64
    let second: UInt64
    let third: UInt64
    let fourth: UInt64

    package init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
    }

    /// nil unless there are exactly 64 hex digits.
    package init?(hex: some StringProtocol) {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 64, hex.utf8.count == 64 else { return nil }
        func word(_ place: Int) -> UInt64 {
            digits[16 * place..<16 * place + 16].reduce(0) { $0 << 4 | UInt64($1) }
        }
        self.init(word(0), word(1), word(2), word(3))
    }

    /// nil unless there are exactly ``bytesCount``.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.bytesCount else { return nil }
        func word(_ place: Int) -> UInt64 {
            bytes[8 * place..<8 * place + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(word(0), word(1), word(2), word(3))
    }

    package var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// 64 hex digits.
    package var description: String {
        [first, second, third, fourth].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    package static func < (left: PeerID, right: PeerID) -> Bool {
        if left.first != right.first { return left.first < right.first }
        return (left.second, left.third, left.fourth)
            < (right.second, right.third, right.fourth)
    }
}
