import AdminWire
import Testing

@testable import PeerAdmin
@testable import Varlink

@Suite("Commands against a daemon", .timeLimit(.minutes(1)))
struct CommandTests {
    private static let file = Admin.File(
        path: "docs/re\u{1b}[31mport.txt", name: "re\u{1b}[31mport.txt", type: "txt",
        size: 4_194_304, modified: 1_767_225_600_000 - 7_200_000,
        sha256: String(repeating: "9f86d0", count: 10) + "8844")
    private static let coverage = Admin.Coverage(
        reached: 3, known: 4, failed: [.init(url: "http://dead:8001", reason: "timed out")],
        duplicates: 2, truncated: true, elapsed_ms: 5)
    private static let status = Admin.Status(
        name: "peer1", id: "abc", version: "0.1.0", url: "http://h:8001", pid: 7,
        uptime_ms: 7_500_000, config_file: "/etc/p2p-peer/peer.json", shared_dir: "/srv",
        state_dir: "/var/lib/p2p-peer", ports: .init(rest: 8001, grpc: 50051, metrics: 9001),
        catalog: .init(
            files: 12, bytes: 4_194_304, hashed: 6, state: "ready", watching: false, detail: nil),
        peers_alive: 3, peers_known: 4,
        transfers: .init(active: 1, done: 2, failed: 3, bytes_received: 1000, bytes_sent: 0))

    private static func answer(_ number: Int, files: [Admin.File] = [file]) -> Admin.Answer {
        Admin.Answer(peer: "peer\(number)", url: "http://h:800\(number)", files: files)
    }

    @Test("status is a block of lines")
    func status() async throws {
        try await Fixture.run(["Status": { _ in VarlinkReply(Self.status) }]) { fixture in
            let outcome = try await fixture.command("status")
            #expect(outcome.status == .ok)
            #expect(outcome.output.contains("daemon     version 0.1.0, pid 7, up 2 h 5 min\n"))
            #expect(
                outcome.output.contains(
                    "12 files, 4.19 MB, ready, 50 % hashed, not watching for changes\n"))
            let json = try await fixture.command("status", "--json")
            #expect(json.output.hasPrefix(#"{"version":1,"type":"status","status":{"#))
            #expect(json.output.split(separator: "\n").count == 1)
        }
    }

    private static let graph: Admin.Graph = {
        func peer(_ number: Int, _ name: String?, _ state: String = "alive") -> Admin.Peer {
            Admin.Peer(
                url: "http://h:800\(number)", name: name, state: state, since: 0,
                protocol: "p2p", friend: false)
        }
        return Admin.Graph(
            peers: [
                peer(1, "one"), peer(2, "t\"w\\o"), peer(3, nil, "suspect"), peer(4, "4", "dead"),
            ],
            links: [
                .init(one: 0, other: 1, kind: "ring"), .init(one: 0, other: 1, kind: "friend"),
                .init(one: 1, other: 2, kind: "ring"), .init(one: 0, other: 2, kind: "rest"),
                // Of a peer that this program was not told of.
                .init(one: 0, other: 9, kind: "ring"),
            ])
    }()

    @Test("graph says of each peer with whom it is linked, and how")
    func graph() async throws {
        try await Fixture.run(["Graph": { _ in VarlinkReply(Self.graph) }]) { fixture in
            let outcome = try await fixture.command("graph")
            #expect(outcome.status == .ok)
            #expect(
                outcome.output.split(separator: "\n").dropFirst() == [
                    #"one     this peer  http://h:8001  t"w\\o* http://h:8003~"#,
                    #"t"w\\o  alive      http://h:8002  one* http://h:8003"#,
                    "-       suspect    http://h:8003  t\"w\\\\o one~",
                    "4       dead       http://h:8004  -",
                ])
            let json = try await fixture.command("graph", "--json")
            #expect(json.output.split(separator: "\n").count == 4 + 5)
            #expect(
                json.output.contains(
                    #""link":{"kind":"friend","one":"http://h:8001","other":"http://h:8002"}"#))
            #expect(throws: (any Error).self) { try GraphCommand.parse(["--json", "--dot"]) }
        }
    }

    @Test("graph --dot is a graph for Graphviz, whatever the names")
    func dot() async throws {
        try await Fixture.run(["Graph": { _ in VarlinkReply(Self.graph) }]) { fixture in
            let outcome = try await fixture.command("graph", "--dot")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.first == "graph p2p {" && lines.last == "}")
            #expect(lines.contains(#"  "http://h:8001" [label="one", style=bold];"#))
            #expect(lines.contains(#"  "http://h:8002" [label="t\"w\\o"];"#))
            #expect(lines.contains(#"  "http://h:8004" [label="4", color=red];"#))
            #expect(lines.contains(#"  "http://h:8001" -- "http://h:8002" [style=dashed];"#))
            #expect(lines.contains(#"  "http://h:8001" -- "http://h:8003" [style=dotted];"#))
        }
    }

    @Test("peers is a table, friends and neighbours marked")
    func peers() async throws {
        let peers = Admin.Peers(peers: [
            Admin.Peer(
                url: "http://h:8001", name: "peer1", version: "0.1.0", state: "alive",
                since: 1_767_225_600_000 - 60_000, protocol: "p2p", friend: true,
                round_trip_us: 350, files: 1234, bytes: 1000, neighbour: true),
            Admin.Peer(
                url: "http://h:8002", state: "dead", since: 0, protocol: "unknown", friend: false,
                reason: "connection\nrefused"),
        ])
        try await Fixture.run(["Peers": { _ in VarlinkReply(peers) }]) { fixture in
            let outcome = try await fixture.command("peers")
            #expect(outcome.status == .ok)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines[1].hasPrefix("alive  *+  peer1  http://h:8001  p2p"))
            #expect(lines[1].contains("350 us  1,234  1.00 kB  1 min"))
            #expect(lines[2].hasSuffix("connection\\nrefused"))
            let json = try await fixture.command("peers", "--json")
            #expect(json.output.split(separator: "\n").count == 2)
        }
    }

    @Test("search prints hits, the end line, and who failed")
    func search() async throws {
        let method: FakeDaemon.Method = { call in
            let query = try call.parameters(as: Admin.SearchQuery.self)
            #expect(query.query == "report")
            #expect(query.fanout == 3)
            #expect(query.timeout_ms == 500)
            for number in 1...2 {
                try await call.reply(
                    Admin.SearchReply(answers: [Self.answer(number)], coverage: nil))
            }
            try await call.reply(
                Admin.SearchReply(answers: [Self.answer(3, files: [])], coverage: nil))
            return VarlinkReply(Admin.SearchReply(answers: [], coverage: Self.coverage))
        }
        try await Fixture.run(["Search": method]) { fixture in
            let outcome = try await fixture.command(
                "search", "report", "--fanout", "3", "--timeout", "500ms")
            #expect(outcome.status == .ok)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 4)
            #expect(
                lines[1] == "peer1            4.19 MB     2 h  9f86d09f86d0  "
                    + "docs/re\\u{1b}[31mport.txt")
            #expect(
                lines[3] == "2 files at 2 peers; reached 3 of 4 peers in 5 ms, 1 failed,"
                    + " 2 duplicates, truncated by a limit")
            #expect(
                outcome.diagnostics
                    == "p2padm: search: no answer from http://dead:8001: timed out\n")
            let json = try await fixture.command(
                "search", "report", "--fanout", "3", "--timeout", "500ms", "--json")
            let types = json.output.split(separator: "\n").map { $0.dropFirst(20).prefix(8) }
            #expect(types == [#""hit","h"#, #""hit","h"#, #""coverag"#])
        }
    }

    @Test("A search without a hit exits 1 and still says whom it reached")
    func searchNothing() async throws {
        let method: FakeDaemon.Method = { _ in
            VarlinkReply(Admin.SearchReply(answers: [], coverage: Self.coverage))
        }
        try await Fixture.run(["Search": method]) { fixture in
            let outcome = try await fixture.command("search", "x")
            #expect(outcome.status == .failed)
            #expect(outcome.output.hasPrefix("0 files at 0 peers; reached 3 of 4 peers in 5 ms"))
        }
    }

    @Test("files prints every page under one heading")
    func files() async throws {
        let method: FakeDaemon.Method = { call in
            try await call.reply(Admin.Files(files: [Self.file], continues: true))
            return VarlinkReply(Admin.Files(files: [Self.file], continues: false))
        }
        try await Fixture.run(["Files": method]) { fixture in
            let outcome = try await fixture.command("files", "report")
            #expect(outcome.status == .ok)
            #expect(outcome.output.split(separator: "\n").count == 4)
            #expect(outcome.output.hasSuffix("2 files, 8.39 MB\n"))
            let json = try await fixture.command("files", "--json")
            #expect(json.output.split(separator: "\n").count == 2)
        }
    }

    @Test("bootstrap says who took us, and fails when nobody did", arguments: [true, false])
    func bootstrap(succeeds: Bool) async throws {
        let result = Admin.Bootstrap(
            registered: succeeds ? ["http://a"] : [],
            failed: [.init(url: "http://b", reason: "refused")], known: ["http://a"])
        try await Fixture.run(["Bootstrap": { _ in VarlinkReply(result) }]) { fixture in
            let outcome = try await fixture.command("bootstrap")
            #expect(outcome.status == (succeeds ? .ok : .failed))
            #expect(outcome.output.hasPrefix("registered with http://a\n") == succeeds)
            #expect(outcome.diagnostics == "p2padm: bootstrap: http://b: refused\n")
        }
    }

    @Test("reload says what changed and what waits for a restart")
    func reload() async throws {
        let result = Admin.Reload(changed: ["search_ttl"], needs_restart: ["rest_port"])
        try await Fixture.run(["Reload": { _ in VarlinkReply(result) }]) { fixture in
            let outcome = try await fixture.command("reload")
            #expect(outcome.output == "changed: search_ttl\nneeds a restart: rest_port\n")
        }
    }

    @Test("rescan says what was found")
    func rescan() async throws {
        let result = Admin.Rescan(files: 12, bytes: 1000, added: 1, changed: 2, removed: 3)
        try await Fixture.run(["Rescan": { _ in VarlinkReply(result) }]) { fixture in
            let outcome = try await fixture.command("rescan")
            #expect(outcome.output == "12 files, 1.00 kB: 1 added, 2 changed, 3 removed\n")
        }
    }
}

@Suite("Failures", .timeLimit(.minutes(1)))
struct FailureTests {
    private struct Parameters: Codable, Sendable {
        var field: String?
        var reason: String?
        var group: String?
        var what: String?
        var path: String?
        var received: Int?
        var size: Int?
        var faults: [String]?
        var choices: [Admin.Answer]?
    }

    private static let parameters = Parameters(
        field: "fanout", reason: "too \u{1b}large", group: "p2p-admin", what: "a/b", path: "a/b",
        received: 1000, size: 2000, faults: ["rest_port: is a string", "nmae: unknown"],
        choices: [
            Admin.Answer(peer: "peer1", url: "http://a", files: []),
            Admin.Answer(peer: "peer2", url: "http://b", files: []),
        ])

    @Test(
        "Each error of the interface has its exit status and its words",
        arguments: [
            ("InvalidArgument", ProgramExit.usage, "fanout: too \\u{1b}large"),
            ("PermissionDenied", .noPermission, "the group p2p-admin"),
            ("NotFound", .failed, "not found: a/b"),
            ("AlreadyExists", .cannotCreate, "--force replaces it"),
            ("Ambiguous", .failed, "p2padm get a/b@peer1"),
            ("TransferFailed", .transferFailed, "(1.00 kB of 2.00 kB arrived)"),
            ("InvalidConfiguration", .badConfiguration, "2 faults:\n  rest_port: is a string\n"),
            ("NoDirectory", .failed, "set directory.serve"),
            ("NoSuchUser", .failed, "there is no account"),
            ("UserExists", .failed, "p2padm user passwd"),
            ("Busy", .failed, "try again later"),
            ("Failed", .failed, "too \\u{1b}large"),
            ("FromTheFuture", .failed, "org.p2ppeer.Admin.FromTheFuture"),
        ])
    func errors(name: String, status: ProgramExit, words: String) async throws {
        let method: FakeDaemon.Method = { _ in
            throw VarlinkError("org.p2ppeer.Admin.\(name)", Self.parameters)
        }
        try await Fixture.run(["Reload": method]) { fixture in
            let outcome = try await fixture.command("reload")
            #expect(outcome.status == status)
            #expect(outcome.diagnostics.hasPrefix("p2padm: reload: "))
            #expect(outcome.diagnostics.contains(words))
            #expect(outcome.output == "")
        }
    }

    @Test("What nobody else has is said to be here, with its place; and who was not reached")
    func absence() async throws {
        struct Parameters: Encodable, Sendable {
            var what = "a.txt"
            var coverage = Admin.Coverage(
                reached: 1, known: 2, failed: [Admin.Failure(url: "http://b", reason: "too slow")],
                duplicates: 0, truncated: false, elapsed_ms: 1)
            var here: String?
        }
        for (here, words) in [
            (nil, "not found: a.txt (reached 1 of 2 peers; http://b: too slow)\n"),
            (
                "/srv/share/in/a.txt",
                "no other peer has a.txt (reached 1 of 2 peers; http://b: too slow):"
                    + " this one has it itself, as /srv/share/in/a.txt\n"
            ),
        ] {
            let method: FakeDaemon.Method = { _ in
                throw VarlinkError("org.p2ppeer.Admin.NotFound", Parameters(here: here))
            }
            try await Fixture.run(["Reload": method]) { fixture in
                let outcome = try await fixture.command("reload")
                #expect(outcome.diagnostics == "p2padm: reload: " + words)
            }
        }
    }

    @Test("A daemon that lacks the method is said to be older")
    func older() async throws {
        try await Fixture.run([:]) { fixture in
            let outcome = try await fixture.command("rescan")
            #expect(outcome.status == .failed)
            #expect(outcome.diagnostics.contains("older than p2padm"))
        }
    }

    @Test("Where no daemon runs, it says so and how to look")
    func absent() async throws {
        let outcome = try await command(
            ["status"], sockets: ["/nowhere/a.sock", "/nowhere/b.sock"])
        #expect(outcome.status == .unavailable)
        #expect(
            outcome.diagnostics
                == "p2padm: no daemon answers on /nowhere/a.sock: is it running?"
                + " (systemctl status p2p-peer)\n")
    }

    @Test("The second socket is asked where the first is not there")
    func secondSocket() async throws {
        let method: FakeDaemon.Method = { _ in
            VarlinkReply(Admin.Reload(changed: [], needs_restart: []))
        }
        try await Fixture.run(["Reload": method]) { fixture in
            let outcome = try await command(
                ["reload"], sockets: ["/nowhere/a.sock", fixture.socket])
            #expect(outcome.output == "nothing changed\n")
        }
    }

    @Test("Without permission for the socket, it names the group")
    func permission() {
        let failure = CommandFailure.cannotConnect(.permissionDenied(path: "/s"), socket: "/s")
        #expect(failure.status == .noPermission)
        #expect(failure.message.contains("p2p-admin"))
    }

    @Test("A daemon that hangs up is named as the cause")
    func closed() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/.socket"
        var limits = VarlinkService.Limits()
        limits.connectionsMax = 0
        let service = VarlinkService(
            identity: ServiceIdentity(vendor: "", product: "", version: "", url: ""),
            interfaces: [],
            listeners: [try VarlinkListener(name: "a", path: path, mode: 0o600)], limits: limits)
        let running = Task { try await service.run() }
        let outcome = try await command(["status"], sockets: [path])
        #expect(outcome.status == .unavailable)
        #expect(outcome.diagnostics.contains("closed the connection"))
        running.cancel()
        try await running.value
    }
}
