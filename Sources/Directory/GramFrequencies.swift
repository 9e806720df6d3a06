import SQLite

/// How common grams are, by a sample of the names: a search looks up the rarest of its grams.
///
/// FTS5 walks all the lists of an AND together, so that each word more, and each common one,
/// costs more than the few names do that it would rule out.
struct GramFrequencies: Sendable {
    /// Places in the table, and names read at each: some 4,000 names, a few milliseconds.
    private static let places: Int64 = 64
    private static let namesPerPlace: Int64 = 64

    /// By a hash of the gram; two that meet count as one.
    private var counts = [UInt16](repeating: 0, count: 1 << 16)
    /// The highest id of a name when the sample was taken.
    private let sampled: Int64

    /// Of no names.
    init() {
        sampled = 0
    }

    init(_ db: Connection, last: Int64) throws {
        sampled = last
        let step = max(1, last / Self.places)
        for start in stride(from: 0, through: last, by: Int(step)) {
            try db.forEach(
                "SELECT filename FROM name WHERE id >= ? ORDER BY id LIMIT ?",
                [.integer(start), .integer(min(step, Self.namesPerPlace))]
            ) { row in
                let bytes = Array(FoldedName(ofFile: row.text(0)).string.utf8)
                for start in 0..<max(0, bytes.count - 2) {
                    let bucket = Self.bucket(bytes[start..<(start + 3)])
                    if counts[bucket] < .max { counts[bucket] += 1 }
                }
                return true
            }
        }
    }

    /// Whether there are so many names more that another sample is due.
    func isOutdated(last: Int64) -> Bool {
        last > 2 * sampled + 1000
    }

    /// How often the gram is in the sample.
    func count(of gram: ArraySlice<UInt8>) -> UInt16 {
        counts[Self.bucket(gram)]
    }

    private static func bucket(_ gram: ArraySlice<UInt8>) -> Int {
        let number = gram.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        // Knuth's multiplicative hash.
        return Int((number &* 2_654_435_769) >> 16)
    }
}
