/// Which list a peer's index is: equal lists have equal versions, whatever their order.
///
/// The sum of the entries' digests as 256-bit numbers, modulo 2^256 (AdHash: Bellare and
/// Micciancio, 1997). A sum, so that both sides bring it up to date from a delta alone. A peer
/// that finds two lists of one sum deceives nobody but itself: it may list what it likes anyway.
package struct IndexVersion: Hashable, Sendable {
    /// No files.
    package static let empty = IndexVersion(sum: SHA256Digest(words: (0, 0, 0, 0)))

    /// Big-endian.
    package private(set) var sum: SHA256Digest

    package init(sum: SHA256Digest) {
        self.sum = sum
    }

    package init(of entries: some Sequence<IndexEntry>) {
        self = .empty
        for entry in entries { add(entry) }
    }

    package mutating func add(_ entry: IndexEntry) {
        let (one, two) = (sum.words, entry.digest.words)
        var carry: UInt64 = 0
        let word3 = Self.add(one.3, two.3, &carry)
        let word2 = Self.add(one.2, two.2, &carry)
        let word1 = Self.add(one.1, two.1, &carry)
        let word0 = Self.add(one.0, two.0, &carry)
        sum = SHA256Digest(words: (word0, word1, word2, word3))
    }

    package mutating func remove(_ entry: IndexEntry) {
        // a - b is a + ~b + 1.
        let (one, two) = (sum.words, entry.digest.words)
        var carry: UInt64 = 1
        let word3 = Self.add(one.3, ~two.3, &carry)
        let word2 = Self.add(one.2, ~two.2, &carry)
        let word1 = Self.add(one.1, ~two.1, &carry)
        let word0 = Self.add(one.0, ~two.0, &carry)
        sum = SHA256Digest(words: (word0, word1, word2, word3))
    }

    private static func add(_ one: UInt64, _ two: UInt64, _ carry: inout UInt64) -> UInt64 {
        let (partial, overflow) = one.addingReportingOverflow(two)
        let (total, overflowAgain) = partial.addingReportingOverflow(carry)
        carry = overflow || overflowAgain ? 1 : 0
        return total
    }
}
