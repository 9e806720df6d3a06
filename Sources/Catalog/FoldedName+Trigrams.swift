import Folding

extension FoldedName {
    /// At most this many trigrams are looked up; the text itself decides in the end.
    private static let trigramsMax = 16

    /// The full-text query that every name containing this one answers; nil below three
    /// characters, which have no trigram.
    ///
    /// The index knows which trigrams a name has, not where (`detail = none`).
    var matchExpression: String? {
        let scalars = Array(string.unicodeScalars)
        guard scalars.count >= 3 else { return nil }
        var trigrams: [String] = []
        for start in 0...(scalars.count - 3) where trigrams.count < Self.trigramsMax {
            var trigram = String.UnicodeScalarView()
            trigram.append(contentsOf: scalars[start..<(start + 3)])
            let quoted = String(trigram).split(
                separator: "\"", omittingEmptySubsequences: false
            ).joined(separator: "\"\"")
            if !trigrams.contains(quoted) { trigrams.append(quoted) }
        }
        return trigrams.map { "\"\($0)\"" }.joined(separator: " AND ")
    }
}
