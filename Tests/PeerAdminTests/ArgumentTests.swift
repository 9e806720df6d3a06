import ArgumentParser
import Testing

@testable import PeerAdmin

@Suite("Arguments")
struct ArgumentTests {
    @Test(
        "What to get is read off one word",
        arguments: [
            ("a/b", GetTarget.path("a/b", peer: nil)),
            ("a/b@peer2", .path("a/b", peer: "peer2")),
            ("a@b@http://h:8001", .path("a@b", peer: "http://h:8001")),
            ("a@b@", .path("a@b", peer: nil)),
        ])
    func target(argument: String, expected: GetTarget) throws {
        #expect(try GetTarget(argument) == expected)
    }

    @Test("A digest is taken in either case")
    func digest() throws {
        let digest = String(repeating: "aB", count: 32)
        #expect(try GetTarget("SHA256:" + digest) == .digest(digest.lowercased()))
    }

    @Test(
        "What cannot be fetched is a wrong use", arguments: ["", "@peer", "sha256:", "sha256:zz"])
    func badTarget(argument: String) {
        let failure = #expect(throws: CommandFailure.self) { try GetTarget(argument) }
        #expect(failure?.status == .usage)
    }

    @Test(
        "A first word that is no command is told so, with what there is",
        arguments: [
            ("serach", "there is no command serach: p2padm knows status, peers, graph"),
            ("--json", "--json comes after the command"),
            ("--socket=/x", "--socket=/x comes after the command"),
        ])
    func misunderstood(first: String, expected: String) {
        #expect(P2PAdm.misunderstood(first)?.hasPrefix(expected) == true)
    }

    @Test("Commands, help and options of p2padm itself are left to the parser")
    func understood() {
        for first in ["search", "help", "--help", "-h", "--version", nil] {
            #expect(P2PAdm.misunderstood(first) == nil)
        }
    }

    @Test(
        "Times have units",
        arguments: [("5s", 5000), ("500ms", 500), ("1m", 60_000), ("2min", 120_000), ("7", 7000)])
    func time(text: String, milliseconds: Int) {
        #expect(TimeArgument(argument: text)?.milliseconds == milliseconds)
    }

    @Test(
        "What is no time is refused", arguments: ["", "s", "-5s", "0s", "5h", "99999999999s", "٣s"])
    func badTime(text: String) {
        #expect(TimeArgument(argument: text) == nil)
    }

    @Test("The socket is the option's, else the environment's, else the system's")
    func sockets() throws {
        let named = try CommonOptions.parse(["--socket", "/a"])
        let unnamed = try CommonOptions.parse([])
        #expect(named.sockets(environment: ["P2PADM_SOCKET": "/b"]) == ["/a"])
        #expect(unnamed.sockets(environment: ["P2PADM_SOCKET": "/b"]) == ["/b"])
        #expect(
            unnamed.sockets(environment: ["P2PADM_SOCKET": ""])
                == ["/run/p2p-peer/admin.sock", "/run/p2p-peer/read.sock"])
    }

    @Test(
        "Wrong usage exits 64, help and version 0", arguments: [["nonsense"], ["search"], ["get"]])
    func usage(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try P2PAdm.parseAsRoot(arguments) }
        #expect(error.map { P2PAdm.exitCode(for: $0).rawValue } == ProgramExit.usage.rawValue)
    }

    @Test("The help names every exit status")
    func helpIsComplete() {
        let help = P2PAdm.helpMessage()
        for status in [0, 1, 64, 69, 73, 74, 77, 78, 130] {
            #expect(help.contains("\n  \(status) "))
        }
    }
}
