import Overlay

/// What peers share: names of words whose frequency is Zipf's, as in any language.
struct Content {
    /// Of how much content there is, as a scenario says it.
    struct Model: Codable, Hashable, Sendable {
        var filesPerPeer = 40
        var words = 20_000
        var exponent = 1.0
        var wordsPerName = 3

        init() {}

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            filesPerPeer =
                try values.decodeIfPresent(Int.self, forKey: .filesPerPeer) ?? filesPerPeer
            words = try values.decodeIfPresent(Int.self, forKey: .words) ?? words
            exponent = try values.decodeIfPresent(Double.self, forKey: .exponent) ?? exponent
            wordsPerName =
                try values.decodeIfPresent(Int.self, forKey: .wordsPerName) ?? wordsPerName
        }
    }

    /// Per peer, its files' names in lower case.
    private(set) var names: [[[UInt8]]]
    /// By rank, the most frequent first.
    let vocabulary: [[UInt8]]

    init(peers: Int, model: Model, _ random: inout SplitMix64) {
        let vocabulary = Self.makeVocabulary(model.words, &random)
        let zipf = Zipf(count: model.words, exponent: model.exponent)
        let kinds = [".pdf", ".txt", ".parquet", ".log", ".tar.gz", ".png"].map { Array($0.utf8) }
        names = (0..<peers).map { _ in
            (0..<model.filesPerPeer).map { _ in
                var name: [UInt8] = []
                for _ in 0..<model.wordsPerName {
                    name += vocabulary[zipf.rank(&random)] + [0x2D]
                }
                name += Array(String(random.next(below: 10_000)).utf8)
                return name + kinds[random.next(below: kinds.count)]
            }
        }
        self.vocabulary = vocabulary
    }

    /// Distinct words of four to nine letters, by the letters' frequency in English.
    private static func makeVocabulary(_ count: Int, _ random: inout SplitMix64) -> [[UInt8]] {
        let letters = Array(
            "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddlllluuucccmmmwwffggyyppbbvkjxqz"
                .utf8)
        var (known, words): (Set<[UInt8]>, [[UInt8]]) = ([], [])
        while words.count < count {
            let word = (0..<4 + random.next(below: 6)).map { _ in
                letters[random.next(below: letters.count)]
            }
            if known.insert(word).inserted { words.append(word) }
        }
        return words
    }

    /// How many of a peer's files have `text` in their names.
    func matches(_ text: [UInt8], at peer: Int) -> Int {
        names[peer].count { $0.contains(part: text) }
    }

    func holders(of text: [UInt8]) -> [Int] {
        names.indices.filter { peer in names[peer].contains { $0.contains(part: text) } }
    }

    /// The word that is held by nearest to `count` peers, among a thousand by chance; found by the
    /// words' frequency first, so that few are counted.
    func word(heldByNearest count: Int, _ random: inout SplitMix64) -> [UInt8] {
        let held = peersByWord()
        var best: (word: Int, distance: Int)?
        for word in random.shuffle(Array(vocabulary.indices)) where vocabulary[word].count >= 5 {
            guard let peers = held[vocabulary[word]] else { continue }
            let distance = abs(peers - count)
            if best.map({ distance < $0.distance }) ?? true { best = (word, distance) }
        }
        return best.map { vocabulary[$0.word] } ?? []
    }

    private func peersByWord() -> [[UInt8]: Int] {
        var held: [[UInt8]: Int] = [:]
        for files in names {
            var words: Set<[UInt8]> = []
            for name in files {
                for word in name.split(separator: 0x2D).dropLast() { words.insert(Array(word)) }
            }
            for word in words { held[word, default: 0] += 1 }
        }
        return held
    }
}
