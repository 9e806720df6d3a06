import Catalog
import RootedFiles
import TestDirectories
import Testing

@Suite("A search in the catalog")
struct CatalogSearchTests {
    let shared: TemporaryDirectory
    let state: TemporaryDirectory

    init() throws {
        shared = try TemporaryDirectory()
        state = try TemporaryDirectory()
    }

    private func search(_ query: String, in names: [String]) async throws -> [String] {
        for name in names {
            try shared.write(name, to: name)
        }
        var found: [String] = []
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilWatching()
            found = try await catalog.paths(matching: query)
        }
        return found
    }

    @Test(
        "finds substrings of names, long and short, whatever their case",
        arguments: [
            ("report", ["Annual-Report.pdf", "report.txt"]),
            ("REPORT.T", ["report.txt"]),
            ("rt", ["Annual-Report.pdf", "report.txt"]),
            ("R", ["Annual-Report.pdf", "Straße.txt", "report.txt"]),
            ("strasse", ["Straße.txt"]),
            ("éCOLE", ["École.md"]),
            ("ΣΟΦΟΣ", ["σοφος"]),
            ("", ["Annual-Report.pdf", "Straße.txt", "report.txt", "École.md", "σοφος"]),
            ("nothing", []),
            ("pdf.report", []),
        ])
    func substrings(query: String, expected: [String]) async throws {
        let names = ["Annual-Report.pdf", "report.txt", "Straße.txt", "École.md", "σοφος"]
        #expect(try await search(query, in: names) == expected)
    }

    @Test(
        "takes every character for itself",
        arguments: [
            "%", "_", "\"", "a%b", "a_b", "a\"b", "a'b", "x*y", "a\"\"b", "NEAR(", " OR ", "^a-b",
            "\\",
        ])
    func literal(query: String) async throws {
        let names = [
            "plain.txt", "100%", "a%b.x", "a_b.x", "a\"b.x", "a'b.x", "x*y", "a\"\"b", "NEAR(1)",
            "a OR b", "^a-b", "back\\slash", "axb",
        ]
        let expected = names.filter { $0.contains(query) }.sorted()
        #expect(!expected.isEmpty)
        #expect(try await search(query, in: names) == expected)
    }

    @Test("finds nothing for a query with a NUL")
    func nul() async throws {
        #expect(try await search("a\0", in: ["a"]) == [])
    }

    @Test("says when there is more, and pages through all in the order of paths")
    func pages() async throws {
        let names = (10..<30).map { "file-\($0)" }
        for name in names {
            try shared.write(name, to: name)
        }
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilWatching()
            let (files, truncated) = try await catalog.search("file", limit: 7)
            #expect(files.map(\.path) == Array(names.prefix(7)) && truncated)
            #expect(try await catalog.search("file", limit: 20).truncated == false)
            for query in ["", "file", "e-"] {
                var paged: [String] = []
                repeat {
                    let page = try await catalog.files(
                        after: paged.last, limit: 7, matching: query)
                    paged += page.map(\.path)
                    if page.count < 7 { break }
                } while true
                #expect(paged == names)
            }
        }
    }

    @Test("gives name, type, size, time and, once hashed, SHA-256")
    func fields() async throws {
        try shared.makeDirectory("a")
        try shared.write("abc", to: "a/b.tar.GZ")
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilHashed(1)
            let file = try #require(try await catalog.file(path: "a/b.tar.GZ"))
            #expect(file.name == "b.tar.GZ" && file.type == "gz" && file.size == 3)
            #expect(file.modified.seconds > 1_600_000_000)
            // FIPS 180-4's own example.
            let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            #expect(file.sha256 == digest)
            #expect(try await catalog.files(sha256: digest) == [file])
            #expect(try await catalog.files(sha256: digest.uppercased()) == [file])
            #expect(try await catalog.files(sha256: "no digest") == [])
            #expect(try await catalog.files(named: "b.tar.GZ") == [file])
            #expect(try await catalog.files(named: "B.tar.gz") == [])
            #expect(catalog.totals.bytes == 3)
        }
    }
}
