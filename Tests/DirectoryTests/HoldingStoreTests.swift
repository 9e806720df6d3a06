import Directory
import Testing

@Suite("Every store finds files")
struct HoldingStoreTests {
    private func filled(_ factory: StoreFactory) async throws -> any DirectoryStore {
        let store = try await factory.make().store
        try await store.add("a", "b", "away")
        for peer in ["a", "b"] { try await store.open(peer) }
        try await store.list("a", "Report-2026.PDF", "docs/report.txt", "straße", "漢字.txt")
        try await store.list("b", "docs/report.txt", "docs/x", "ends-zq", "a\"b OR c*")
        try await store.list("away", "docs/report.txt", "away only", "report")
        return store
    }

    @Test("by exact name, of peers that are there", arguments: StoreFactory.all)
    func named(factory: StoreFactory) async throws {
        let store = try await filled(factory)
        #expect(
            try await store.found(.named("docs/report.txt"))
                == ["a:docs/report.txt", "b:docs/report.txt"])
        for name in ["report.txt", "DOCS/report.txt", "docs/report.tx", "away only", ""] {
            #expect(try await store.found(.named(name)) == [])
        }
    }

    @Test(
        "by a part of the last component, whatever its case",
        arguments: StoreFactory.all,
        [
            ("report", ["a:Report-2026.PDF", "a:docs/report.txt", "b:docs/report.txt"]),
            ("REPORT.", ["a:docs/report.txt", "b:docs/report.txt"]),
            ("docs", []), ("2026.pdf", ["a:Report-2026.PDF"]), ("STRASSE", ["a:straße"]),
            ("漢", ["a:漢字.txt"]), ("字.t", ["a:漢字.txt"]), ("zq", ["b:ends-zq"]),
            ("Q", ["b:ends-zq"]),
            (
                "x",
                [
                    "a:docs/report.txt", "a:漢字.txt", "b:docs/report.txt", "b:docs/x",
                ]
            ), ("\"b or", ["b:a\"b OR c*"]), ("c*", ["b:a\"b OR c*"]), ("way", []), ("%", []),
            ("_", []), ("report-2026.pdfx", []), ("2026-report", []), ("\u{1}", []),
            ("q\u{1}", []),
        ] as [(String, [String])])
    func containing(factory: StoreFactory, test: (part: String, found: [String])) async throws {
        let store = try await filled(factory)
        #expect(try await store.found(.containing(test.part)) == test.found)
    }

    @Test("by SHA-256 and by peer", arguments: StoreFactory.all)
    func digest(factory: StoreFactory) async throws {
        let store = try await filled(factory)
        let digest = SHA256Digest(of: [7])
        let entries = [IndexEntry(filename: "n", sha256: digest), IndexEntry(filename: "m")]
        _ = try await store.replaceIndex(ofPeer: "b", with: IndexList(entries))
        _ = try await store.replaceIndex(ofPeer: "away", with: IndexList(entries))
        #expect(try await store.found(.sha256(digest)) == ["b:n"])
        #expect(try await store.found(.sha256(SHA256Digest(of: [8]))) == [])
        #expect(try await store.found(.heldBy("b")) == ["b:m", "b:n"])
        #expect(try await store.found(.heldBy("away")) == [])
        #expect(try await store.found(.heldBy("nobody")) == [])
    }

    @Test("in pages of any size, each hit once", arguments: StoreFactory.all, [1, 2, 3, 7])
    func pages(factory: StoreFactory, limit: Int) async throws {
        let store = try await filled(factory)
        let whole = try await store.found(.all)
        #expect(whole.count == 8)
        #expect(try await store.found(.all, limit: limit) == whole)
        #expect(
            try await store.found(.containing("rep"), limit: limit)
                == ["a:Report-2026.PDF", "a:docs/report.txt", "b:docs/report.txt"])
        #expect(try await store.found(.named("docs/report.txt"), limit: limit).count == 2)
        #expect(try await store.found(.heldBy("a"), limit: limit).count == 4)
    }

    @Test("and meets what stays once, whatever changes between pages", arguments: StoreFactory.all)
    func changing(factory: StoreFactory) async throws {
        let store = try await factory.make().store
        try await store.add("a", "b", "c")
        for peer in ["a", "b", "c"] { try await store.open(peer) }
        let stays = (0..<10).map { "stays\($0)" }
        let entries = stays.map { IndexEntry(filename: $0) }
        _ = try await store.replaceIndex(ofPeer: "a", with: IndexList(entries))
        for query in [FileQuery.all, .containing("stay"), .heldBy("a")] {
            var met: [String] = []
            var cursor: PageCursor?
            var round = 0
            repeat {
                let page = try await store.holdings(query, after: cursor, limit: 3, now: .at(1))
                met += page.elements.filter { $0.peer == "a" }.map(\.entry.filename)
                cursor = page.next
                round += 1
                let gone = (0..<3).map { IndexEntry(filename: "0stay\(round)\($0)") }
                _ = try await store.replaceIndex(
                    ofPeer: "b", with: IndexList(entries.prefix(5) + gone))
                try await store.list("c", round.isMultiple(of: 2) ? "stays5" : "stays0")
            } while cursor != nil && round < 50
            #expect(met.sorted() == stays)
        }
    }

    @Test("and refuses a cursor that is none", arguments: StoreFactory.all)
    func badCursor(factory: StoreFactory) async throws {
        let store = try await filled(factory)
        let cursors = ["", "x", "1", "-", "1-", "9999999999999999999999-1", "1-2-3", "-1-1", "é"]
        for cursor in cursors {
            await #expect(throws: StoreError.badCursor) {
                _ = try await store.holdings(
                    .all, after: PageCursor(cursor), limit: 1, now: .at(1))
            }
        }
    }
}
