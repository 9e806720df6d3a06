import Folding

/// How common parts of names are, by a sample of the names that a store has.
///
/// A search looks up the rarest grams of what is wanted: each gram more, and each common one, costs
/// an index more than the few names do that it would rule out. And what many names hold is found
/// sooner by reading the names one after the other.
package struct NameSample: Sendable {
    /// Places in the table, and names read at each: some 4,000 names, a few milliseconds.
    package static let places: Int64 = 64
    package static let namesPerPlace: Int64 = 64

    /// By a hash of the gram; two that meet count as one.
    private var gramCounts = [UInt16](repeating: 0, count: 1 << 16)
    /// The folded names, with a NUL behind each: some 200 KB.
    private var text: [UInt8] = []
    package private(set) var count = 0
    /// The highest id of a name when the sample was taken.
    private let sampled: Int64

    /// Of no names.
    package init() {
        sampled = 0
    }

    /// - Parameters:
    ///   - filenames: From ``places`` that are a ``step(last:)`` of ids apart.
    ///   - last: The highest id.
    package init(_ filenames: [String], last: Int64) {
        sampled = last
        for filename in filenames { add(FoldedName(ofFile: filename)) }
    }

    private mutating func add(_ name: FoldedName) {
        let bytes = Array(name.string.utf8)
        for start in 0..<max(0, bytes.count - 2) {
            let bucket = Self.bucket(bytes[start..<(start + 3)])
            if gramCounts[bucket] < .max { gramCounts[bucket] += 1 }
        }
        text += bytes
        text.append(0)
        count += 1
    }

    /// Ids from one place to the next.
    package static func step(last: Int64) -> Int64 { max(1, last / places) }

    /// Whether there are so many names more that another sample is due.
    package func isOutdated(last: Int64) -> Bool {
        last > 2 * sampled + 1000
    }

    /// How often the gram is in the sample.
    package func count(ofGram gram: ArraySlice<UInt8>) -> UInt16 {
        gramCounts[Self.bucket(gram)]
    }

    /// Whether more than one name in `share` of the sample has `part`.
    ///
    /// - Parameter part: Folded, not empty, without NUL.
    package func isCommon(_ part: [UInt8], share: Int) -> Bool {
        var found = 0
        let needed = count / share
        let text = text.span
        var start = 0
        while let match = FoldedName.firstIndex(of: part, in: text, from: start) {
            found += 1
            if found > needed { return true }
            // A name counts once.
            start = match + part.count
            while text[start] != 0 { start += 1 }
        }
        return false
    }

    private static func bucket(_ gram: ArraySlice<UInt8>) -> Int {
        let number = gram.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        // Knuth's multiplicative hash.
        return Int((number &* 2_654_435_769) >> 16)
    }
}
