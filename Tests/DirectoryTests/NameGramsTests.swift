import Directory
import Folding
import Testing

@testable import DirectoryPostgreSQL

@Suite("The grams of a name in PostgreSQL")
struct NameGramsTests {
    private func gram(_ text: String) -> Int32 {
        Array(text.utf8).reduce(3) { $0 << 8 | Int32($1) }
    }

    private func elements(_ filename: String) -> Set<Int32> {
        let literal = NameGrams.literal(of: FoldedName(ofFile: filename))
        #expect(literal.first == "{" && literal.last == "}")
        let numbers = literal.dropFirst().dropLast().split(
            separator: ",", omittingEmptySubsequences: false
        ).map { Int32($0) }
        #expect(!numbers.contains(nil))
        return Set(numbers.compactMap { $0 })
    }

    @Test("are three bytes of the folded last component each, and rare single bytes")
    func literal() {
        #expect(
            elements("Dir/aB~")
                == [gram("ab~"), gram("b~\0"), gram("~\0\0"), 1 << 24 | 0x7E])
        #expect(elements("x") == [gram("x\0\0")])
    }

    @Test("of a name are among what a query for any part of it asks for", arguments: 1...5)
    func query(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let letters: [Character] = ["a", "B", "-", "~", "%", "ñ", "漢", "ß", "\"", "7"]
        for _ in 0..<200 {
            let name = String(
                (0..<Int.random(in: 1...12, using: &random)).map { _ in
                    letters.randomElement(using: &random) ?? "a"
                })
            let folded = Array(FoldedName(name).string.unicodeScalars)
            let start = Int.random(in: 0..<folded.count, using: &random)
            let end = Int.random(in: (start + 1)...folded.count, using: &random)
            var part = String.UnicodeScalarView()
            part.append(contentsOf: folded[start..<end])
            let has = elements("dir/\(name)")
            switch NameGrams.query(for: Array(String(part).utf8), NameSample()) {
            case .all(let grams):
                #expect(!grams.isEmpty && grams.count <= 3)
                #expect(has.isSuperset(of: grams), "\(String(part)) of \(name)")
            case .any(let grams):
                #expect(!has.isDisjoint(with: grams), "\(String(part)) of \(name)")
            case .none: #expect(String(part).utf8.count == 1)
            }
        }
    }

    @Test("that are the rarest in the sample are the ones that are looked up")
    func rarest() {
        let sample = NameSample((0..<50).map { "aaabbbcccddd\($0)" } + ["zzaaabbbccc"], last: 51)
        guard case .all(let grams) = NameGrams.query(for: Array("zzaaabbb".utf8), sample) else {
            Issue.record("no grams")
            return
        }
        #expect(grams.prefix(2) == [gram("zza"), gram("zaa")])
        #expect(grams.count == 3)
    }
}
