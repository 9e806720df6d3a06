/// A Bloom filter over the trigrams of names, and over checksums: says of a text that no name can contain
/// it, and never so of one that a name does contain.
///
/// Names and texts are bytes that the caller has folded by one and the same rule (the catalog's
/// `FoldedName`), so that what the catalog would find is never denied. Source: Bloom, CACM 1970; two
/// hashes serve for all (Kirsch and Mitzenmacher, ESA 2006).
package struct GramFilter: Hashable, Sendable {
    /// 64 KiB, the bound of issue 7: 50,000 different trigrams at one false positive in 120.
    package static let bytesMax = 65_536
    /// Seven hashes at ten bits a trigram and more: at most 0.8 % false positives for one trigram.
    static let bitsPerGram = 10
    static let hashes = 7

    /// What is in it: a trigram below 2^24, or a digest's first bits with the highest bit set.
    package typealias Key = UInt64

    /// A power of two.
    private var words: [UInt64]
    /// Whether checksums are in it. Those of a catalog so large that both have no room are left out, and then
    /// prove nothing.
    private let hasDigests: Bool
    private var bitsSet = 0

    /// An empty one, with room for so many different keys; past ``bytesMax`` it is fuller.
    package init(keys: Int, hasDigests: Bool = true) {
        self.hasDigests = hasDigests
        var bits = 512
        while bits < keys * Self.bitsPerGram, bits < Self.bytesMax * 8 { bits *= 2 }
        words = Array(repeating: 0, count: bits / 64)
    }

    /// Of these names and checksums, as large as they need.
    package init(names: [[UInt8]], digests: [[UInt8]] = []) {
        var keys: Set<Key> = []
        for name in names { keys.formUnion(Self.grams(of: name)) }
        let isRoomy = (keys.count + digests.count) * Self.bitsPerGram <= Self.bytesMax * 8
        if isRoomy { keys.formUnion(digests.map(Self.key(ofDigest:))) }
        self.init(keys: keys.count, hasDigests: isRoomy)
        for key in keys { for bit in Self.bits(of: key, in: words.count * 64) { set(bit) } }
    }

    package var bytes: Int { words.count * 8 }

    /// Whether so many bits are set that one made anew would be better: at ten bits a key half of them are.
    package var isOverfull: Bool {
        let isAtBound = bytes >= Self.bytesMax && !hasDigests
        return !isAtBound && bitsSet * 5 > words.count * 64 * 3
    }

    /// Adds a name.
    ///
    /// - Returns: The bits that were not set before: the delta that holders of copies need.
    package mutating func insert(_ name: [UInt8]) -> [Int] {
        insert(keys: Self.grams(of: name))
    }

    /// Adds a checksum, with the same return.
    package mutating func insert(digest: [UInt8]) -> [Int] {
        hasDigests ? insert(keys: [Self.key(ofDigest: digest)]) : []
    }

    private mutating func insert(keys: [Key]) -> [Int] {
        var news: [Int] = []
        for key in keys {
            for bit in Self.bits(of: key, in: words.count * 64) where !isSet(bit) {
                set(bit)
                news.append(bit)
            }
        }
        return news
    }

    /// Takes over a delta.
    ///
    /// - Returns: false where a bit is outside: it was another filter's, nothing is changed.
    package mutating func insert(bits: [Int]) -> Bool {
        guard bits.allSatisfy({ (0..<words.count * 64).contains($0) }) else { return false }
        for bit in bits { set(bit) }
        return true
    }

    /// Whether a name may contain `text`. True for a text below three bytes: it has no trigram.
    package func mayContain(_ text: [UInt8]) -> Bool {
        mayContain(keys: Self.grams(of: text))
    }

    /// Whether all of these may be in it.
    func mayContain(keys: [Key]) -> Bool {
        keys.allSatisfy { key in
            if key >> 63 == 1, !hasDigests { return true }
            return Self.bits(of: key, in: words.count * 64).allSatisfy(isSet)
        }
    }

    static func key(ofDigest digest: [UInt8]) -> Key {
        digest.prefix(8).reduce(0) { $0 << 8 | Key($1) } | 1 << 63
    }

    static func grams(of text: [UInt8]) -> [Key] {
        guard text.count >= 3 else { return [] }
        var grams: [Key] = []
        grams.reserveCapacity(text.count - 2)
        var gram: Key = 0
        for (place, byte) in text.enumerated() {
            gram = (gram << 8 | Key(byte)) & 0xFF_FFFF
            if place >= 2 { grams.append(gram) }
        }
        return grams
    }

    private static func bits(of key: Key, in count: Int) -> [Int] {
        var mixer = SplitMix64(seed: key)
        var hash = mixer.next()
        let step = mixer.next() | 1
        let mask = UInt64(count - 1)
        var bits: [Int] = []
        for _ in 0..<hashes {
            bits.append(Int(hash & mask))
            hash &+= step
        }
        return bits
    }

    private func isSet(_ bit: Int) -> Bool { words[bit >> 6] & (1 << UInt64(bit & 63)) != 0 }

    private mutating func set(_ bit: Int) {
        bitsSet += isSet(bit) ? 0 : 1
        words[bit >> 6] |= 1 << UInt64(bit & 63)
    }
}
