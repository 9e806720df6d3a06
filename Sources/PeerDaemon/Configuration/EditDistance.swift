/// Finds what a mistyped word was meant to be.
enum EditDistance {
    /// Insertions, deletions and replacements from one to the other (Levenshtein).
    static func between(_ a: String, _ b: String) -> Int {
        let b = Array(b.utf8)
        var row = Array(0...b.count)
        for (i, left) in a.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let replaced = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }

    /// The nearest of `candidates`, unless all are further than a third of the word (at least 2).
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let word = String(word.prefix(64))
        let nearest = candidates.map { (between(word, $0), $0) }.min { $0 < $1 }
        guard let (distance, candidate) = nearest, distance <= max(2, word.utf8.count / 3) else {
            return nil
        }
        return candidate
    }
}
