/// A Bloom filter over the trigrams of names: says of a text that no name can contain it, and never so
/// of one that a name does contain.
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

    /// A power of two.
    private var words: [UInt64]

    /// An empty one, with room for so many different trigrams; past ``bytesMax`` it is fuller.
    package init(grams: Int) {
        var bits = 512
        while bits < grams * Self.bitsPerGram, bits < Self.bytesMax * 8 { bits *= 2 }
        words = Array(repeating: 0, count: bits / 64)
    }

    /// Of these names, as large as their trigrams need.
    package init(names: [[UInt8]]) {
        var grams: Set<UInt32> = []
        for name in names { grams.formUnion(Self.grams(of: name)) }
        self.init(grams: grams.count)
        for gram in grams { for bit in Self.bits(of: gram, in: words.count * 64) { set(bit) } }
    }

    package var bytes: Int { words.count * 8 }

    /// Adds a name.
    ///
    /// - Returns: The bits that were not set before: the delta that holders of copies need.
    package mutating func insert(_ name: [UInt8]) -> [Int] {
        var news: [Int] = []
        for gram in Self.grams(of: name) {
            for bit in Self.bits(of: gram, in: words.count * 64) where !isSet(bit) {
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
        mayContain(grams: Self.grams(of: text))
    }

    /// The same of a text whose trigrams were taken before.
    func mayContain(grams: [UInt32]) -> Bool {
        grams.allSatisfy { gram in
            Self.bits(of: gram, in: words.count * 64).allSatisfy(isSet)
        }
    }

    static func grams(of text: [UInt8]) -> [UInt32] {
        guard text.count >= 3 else { return [] }
        var grams: [UInt32] = []
        grams.reserveCapacity(text.count - 2)
        var gram: UInt32 = 0
        for (place, byte) in text.enumerated() {
            gram = (gram << 8 | UInt32(byte)) & 0xFF_FFFF
            if place >= 2 { grams.append(gram) }
        }
        return grams
    }

    private static func bits(of gram: UInt32, in count: Int) -> [Int] {
        var mixer = SplitMix64(seed: UInt64(gram))
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

    private mutating func set(_ bit: Int) { words[bit >> 6] |= 1 << UInt64(bit & 63) }
}
