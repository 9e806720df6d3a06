import Testing

@testable import Overlay

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct GlobPatternTests {
    struct Row: Sendable {
        let pattern: String
        let name: String
        let matches: Bool
    }

    @Test(
        "Patterns and names",
        arguments: [
            Row(pattern: "", name: "", matches: true),
            Row(pattern: "", name: "a", matches: false),
            Row(pattern: "*", name: "", matches: true),
            Row(pattern: "*", name: "report.pdf", matches: true),
            Row(pattern: "*.pdf", name: "report.pdf", matches: true),
            Row(pattern: "*.pdf", name: "report.pdf.txt", matches: false),
            Row(pattern: "*.pdf", name: "a.pdf.pdf", matches: true),
            Row(pattern: "r*t*", name: "report.pdf", matches: true),
            Row(pattern: "r*x*", name: "report.pdf", matches: false),
            Row(pattern: "**p**", name: "report", matches: true),
            Row(pattern: "?eport", name: "report", matches: true),
            Row(pattern: "?eport", name: "eport", matches: false),
            Row(pattern: "?", name: "ä", matches: true),
            Row(pattern: "[a-c]x", name: "bx", matches: true),
            Row(pattern: "[!a-c]x", name: "bx", matches: false),
            Row(pattern: "[^a-c]x", name: "dx", matches: true),
            Row(pattern: "[]a]", name: "]", matches: true),
            Row(pattern: "[a-]", name: "-", matches: true),
            Row(pattern: "[c-a]", name: "b", matches: false),
            Row(pattern: "[ä-ü]", name: "ö", matches: true),
            Row(pattern: "[ab", name: "[ab", matches: true),
            Row(pattern: "a\\*", name: "a*", matches: true),
            Row(pattern: "a\\*", name: "ab", matches: false),
            Row(pattern: "a\\", name: "a\\", matches: true),
            Row(pattern: "a*a*a*a*a*b", name: "aaaaaaaaaaaaaaaaaaaaaaaa", matches: false),
        ])
    func table(row: Row) {
        #expect(GlobPattern(row.pattern)?.matches(bytes(row.name)) == row.matches, "\(row)")
    }

    @Test("Past its bound a pattern is refused")
    func bound() {
        let longest = String(repeating: "a", count: GlobPattern.lengthMax)
        #expect(GlobPattern(longest)?.matches(bytes(longest)) == true)
        #expect(GlobPattern(longest + "a") == nil)
    }

    @Test(
        "What a pattern takes contains its literals: a summary never denies it", arguments: 1...20)
    func literals(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (letters, signs) = (Array("ab.-"), Array("ab.-*?["))
        for _ in 0..<200 {
            let text = String((0..<8).map { _ in signs[random.next(below: signs.count)] })
            let pattern = try #require(GlobPattern(text))
            let name = bytes(String((0..<9).map { _ in letters[random.next(below: 4)] }))
            guard pattern.matches(name) else { continue }
            for literal in pattern.literals {
                #expect(name.contains(part: literal), "seed \(seed), \(text)")
            }
        }
    }
}

@Suite struct FileFilterTests {
    static let digest = Array(repeating: UInt8(7), count: 32)
    static let file = FileFilter.File(
        name: bytes("report-2026.tar.gz"), size: 1000, modified: 50, sha256: digest)

    struct Row: Sendable {
        let what: String
        let matches: Bool
        let filter: FileFilter

        init(_ what: String, _ matches: Bool, _ change: (inout FileFilter) -> Void) {
            (self.what, self.matches) = (what, matches)
            var filter = FileFilter()
            change(&filter)
            self.filter = filter
        }
    }

    static let rows: [Row] = [
        Row("nothing asked", true) { _ in },
        Row("part", true) { $0.text = bytes("2026") },
        Row("no part", false) { $0.text = bytes("2027") },
        Row("glob", true) { $0.glob = GlobPattern("report*.gz") },
        Row("other glob", false) { $0.glob = GlobPattern("report*.xz") },
        Row("extension", true) { $0.fileExtension = bytes("gz") },
        Row("both of two", true) { $0.fileExtension = bytes("tar.gz") },
        Row("the end is no extension", false) { $0.fileExtension = bytes("z") },
        Row("least size", true) { $0.sizeMin = 1000 },
        Row("too small", false) { $0.sizeMin = 1001 },
        Row("greatest size", true) { $0.sizeMax = 1000 },
        Row("too large", false) { $0.sizeMax = 999 },
        Row("new enough", true) { $0.modifiedMin = 50 },
        Row("too old", false) { $0.modifiedMin = 51 },
        Row("old enough", true) { $0.modifiedMax = 50 },
        Row("too new", false) { $0.modifiedMax = 49 },
        Row("checksum", true) { $0.sha256 = digest },
        Row("other checksum", false) { $0.sha256 = [1] + digest.dropFirst() },
        Row("all but one", false) {
            ($0.text, $0.sizeMin, $0.modifiedMax) = (bytes("report"), 1, 49)
        },
    ]

    @Test("Each filter alone", arguments: rows)
    func table(row: Row) {
        #expect(row.filter.matches(Self.file) == row.matches, "\(row.what)")
        var unhashed = Self.file
        unhashed.sha256 = nil
        let expected = row.matches && row.filter.sha256 == nil
        #expect(row.filter.matches(unhashed) == expected, "\(row.what), no checksum yet")
    }

    @Test("A summary of a file denies no filter that the file matches", arguments: rows)
    func neverDenied(row: Row) {
        let summary = GramFilter(names: [Self.file.name], digests: [Self.digest])
        if row.matches { #expect(summary.mayContain(keys: row.filter.keys), "\(row.what)") }
    }

    @Test("A summary denies names, extensions and checksums that are not there")
    func denied() {
        let summary = GramFilter(names: [Self.file.name], digests: [Self.digest])
        for what in ["no part", "other glob", "other checksum"] {
            let row = Self.rows.first { $0.what == what }
            #expect(row.map { summary.mayContain(keys: $0.filter.keys) } == false, "\(what)")
        }
    }

    @Test("A catalog too large for its checksums leaves them out: then any may be there")
    func withoutDigests() {
        let many = (0..<60_000).map { number in
            (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) }
        }
        let summary = GramFilter(names: [Self.file.name], digests: many)
        var filter = FileFilter()
        filter.sha256 = Self.digest
        #expect(summary.mayContain(keys: filter.keys))
        filter.text = bytes("absent")
        #expect(!summary.mayContain(keys: filter.keys))
    }
}

@Suite struct AnswerCacheTests {
    static func key(_ number: UInt64) -> AnswerCache<String>.Key {
        AnswerCache.Key(peer: PeerID(number, 0, 0, 0), filter: FileFilter(text: [0x61]))
    }

    static func version(_ number: UInt64) -> CatalogVersion {
        CatalogVersion(boot: 1, version: number)
    }

    @Test("An answer is good for one state of the catalog, a newer one replaces it, no older one")
    func versions() {
        var cache = AnswerCache<String>(limit: 4, filesMax: 100)
        cache.store(Self.key(1), version: Self.version(2), answer: "two", files: 1)
        #expect(cache.entry(Self.key(1), version: Self.version(2))?.answer == "two")
        #expect(cache.entry(Self.key(1), version: Self.version(3)) == nil)
        #expect(cache.entry(Self.key(1), version: CatalogVersion(boot: 2, version: 2)) == nil)
        cache.store(Self.key(1), version: Self.version(1), answer: "one", files: 1)
        #expect(cache.entry(Self.key(1), version: Self.version(1)) == nil)
        cache.store(Self.key(1), version: Self.version(3), answer: nil, files: 0)
        #expect(cache.entry(Self.key(1), version: Self.version(3))?.files == 0)
        #expect(cache.count == 1 && cache.files == 0)
    }

    @Test("Past either bound the oldest gives way", arguments: 1...5 as ClosedRange<UInt64>)
    func bounds(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var cache = AnswerCache<String>(limit: 8, filesMax: 20)
        for round in 1...500 as ClosedRange<UInt64> {
            let key = Self.key(UInt64(random.next(below: 12)))
            cache.store(
                key, version: Self.version(round), answer: "", files: random.next(below: 6))
            #expect(cache.count <= 8 && cache.files <= 20, "seed \(seed)")
            #expect(cache.entry(key, version: Self.version(round)) != nil, "seed \(seed)")
        }
        cache.store(Self.key(99), version: Self.version(1), answer: "", files: 21)
        #expect(cache.entry(Self.key(99), version: Self.version(1)) == nil)
    }
}
