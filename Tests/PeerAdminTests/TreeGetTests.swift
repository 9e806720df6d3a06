import Testing

@testable import PeerAdmin

@Suite("Which files p2padm get means")
struct TreeGetTests {
    @Test(
        "A directory, or the folders before the first special character and a pattern",
        arguments: [
            ("logs@b", true, "logs", nil),
            ("logs/@b", true, "logs", nil),
            (".@b", true, "", nil),
            ("./@b", true, "", nil),
            ("a*@b", true, "a*", nil),
            ("*.gz@b", false, "", "*.gz"),
            ("logs/*.gz@b", false, "logs", "logs/*.gz"),
            ("logs/2026/x?/y@b", false, "logs/2026", "logs/2026/x?/y"),
            (#"a\b/c/*@b"#, false, "", #"a\b/c/*"#),
            ("[ab]/*@b", false, "", "[ab]/*"),
        ] as [(String, Bool, String, String?)])
    func parsed(argument: String, recursive: Bool, directory: String, pattern: String?) throws {
        let tree = try #require(try TreeGet(GetTarget(argument), isRecursive: recursive))
        #expect((tree.peer, tree.directory) == ("b", directory))
        #expect(tree.pattern == pattern)
    }

    @Test("One file is one file", arguments: ["logs/a.gz@b", "*.gz", "[ab]@b", "logs", "a*@"])
    func one(argument: String) throws {
        #expect(try TreeGet(GetTarget(argument), isRecursive: false) == nil)
    }

    @Test("A directory is that of a peer", arguments: ["logs", "logs@", "sha256:"])
    func nobody(argument: String) {
        let target = argument == "sha256:" ? argument + String(repeating: "0", count: 64) : argument
        #expect(throws: CommandFailure.self) {
            try TreeGet(GetTarget(target), isRecursive: true)
        }
    }
}
