import AdminWire
import CLinux
import Glibc
import Synchronization
import Testing

@testable import PeerAdmin
@testable import Varlink

@Suite("menu", .timeLimit(.minutes(1)))
struct MenuTests {
    private static let url = "http://h:8001"
    private static let status = Admin.Status(
        name: "here", id: "abc", version: "0.1.0", url: url, pid: 7, uptime_ms: 1,
        config_file: "/c", shared_dir: "/srv", state_dir: "/v",
        ports: .init(rest: 8001, grpc: 50051, metrics: 9001),
        catalog: .init(files: 1, bytes: 1, hashed: 1, state: "ready", watching: true),
        peers_alive: 1, peers_known: 2,
        transfers: .init(active: 0, done: 0, failed: 0, bytes_received: 0, bytes_sent: 0))

    private static func file(_ path: String) -> Admin.File {
        Admin.File(path: path, name: path, type: "", size: 1000, modified: 0)
    }

    /// A daemon that knows beta, which is alive, and gamma, which is not.
    private static let methods: [String: FakeDaemon.Method] = [
        "Status": { _ in VarlinkReply(status) },
        "Peers": { _ in
            VarlinkReply(
                Admin.Peers(peers: [
                    .init(
                        url: "http://b:1", name: "beta", state: "alive", since: 0, protocol: "p2p",
                        friend: true),
                    .init(
                        url: "http://c:1", name: "gamma", state: "dead", since: 0, protocol: "p2p",
                        friend: false),
                ]))
        },
        "Search": { call in
            let query = try call.parameters(as: Admin.SearchQuery.self).query
            let found = query == "nothing" ? [] : [file("a/\(query)"), file("\u{1b}[2J")]
            try await call.reply(
                Admin.SearchReply(answers: [.init(peer: "beta", url: "http://b:1", files: found)]))
            return VarlinkReply(
                Admin.SearchReply(
                    answers: [],
                    coverage: .init(
                        reached: 2, known: 3, failed: [], duplicates: 0, truncated: false,
                        elapsed_ms: 1)))
        },
        "Get": { call in
            let query = try call.parameters(as: Admin.GetQuery.self)
            #expect(query.peer == "http://b:1")
            return VarlinkReply(
                Admin.GetReply(
                    progress: .init(
                        state: "done", path: query.path ?? "", size: 1000, received: 1000,
                        resumed: 0, elapsed_ms: 10)))
        },
        "Files": { call in
            let query = try call.parameters(as: Admin.FilesQuery.self)
            let names = query.peer == nil ? ["own"] : ["one", "two", "three"]
            return VarlinkReply(Admin.Files(files: names.map(file), continues: false))
        },
        "Put": { call in
            let query = try call.parameters(as: Admin.PutQuery.self)
            #expect(query.peer == "http://b:1")
            var byte: UInt8 = 0
            #expect(pread(call.descriptors[query.input].rawValue, &byte, 1, 0) == 1)
            return VarlinkReply(
                Admin.PutReply(
                    progress: .init(
                        state: "done", name: query.name, peer: "beta", size: 3, sent: 3,
                        message: "kept", elapsed_ms: 10)))
        },
    ]

    private struct Outcome {
        var status: ProgramExit
        var output: String
    }

    /// Runs the menu on a thread of its own, with `typed` for all that is ever typed.
    private static func run(
        _ typed: String,
        sockets: [String],
        locale: String = "C",
        pageLines: Int? = nil,
        interrupted: Bool = false
    ) async throws -> Outcome {
        let input = try Pipe(typed)
        // Ctrl-C is there from the start, and is noticed before the first line.
        let interrupt = try Pipe(interrupted ? "x" : "", closes: false)
        return try await blocking {
            let output = Mutex("")
            let transfers = try BackgroundTransfers()
            let menu = Menu(
                sockets: sockets, interrupt: interrupt.reader.rawValue,
                phrases: MenuPhrases(locale: MenuLocale(environment: ["LANG": locale])),
                input: MenuInput(
                    descriptor: input.reader.rawValue, interrupt: interrupt.reader.rawValue,
                    wakeup: transfers.wakeup.rawValue),
                transfers: transfers,
                console: Console(
                    output: { text throws(CommandFailure) in output.withLock { $0 += text } },
                    diagnostics: { _ in }, style: Style(isColored: false), progressWidth: nil,
                    now: { 0 }),
                pageLines: pageLines)
            let status = try menu.run()
            return Outcome(status: status, output: output.withLock { $0 })
        }
    }

    @Test("A file is searched, chosen, fetched in the background, and its end is announced")
    func download() async throws {
        try await Fixture.run(Self.methods) { fixture in
            let outcome = try await Self.run("1\nreport\n1\n0\n\n", sockets: [fixture.socket])
            #expect(outcome.status == .ok)
            #expect(outcome.output.contains(" 1  beta  a/report  1.00 kB\n"))
            #expect(outcome.output.contains(" 2  beta  \\u{1b}[2J  1.00 kB\n"))
            #expect(outcome.output.contains("Downloading a/report from beta in the background"))
            #expect(
                outcome.output.contains(
                    "[done] a/report from beta: 1.00 kB in 10 ms, now /srv/a/report\n"))
            #expect(outcome.output.hasSuffix("Bye.\n"))
        }
    }

    @Test("The same in Spanish, with accents only where the locale has them")
    func spanish() async throws {
        try await Fixture.run(Self.methods) { fixture in
            let accents = try await Self.run(
                "1\nreport\n1\n", sockets: [fixture.socket], locale: "es_CO.UTF-8")
            #expect(accents.output.contains("Opción: "))
            #expect(accents.output.contains("[listo] a/report de beta: 1.00 kB en 10 ms"))
            let plain = try await Self.run("x\n", sockets: [fixture.socket], locale: "es")
            #expect(plain.output.contains("No existe la opcion \"x\""))
            #expect(plain.output.utf8.allSatisfy { $0 < 0x80 })
        }
    }

    @Test("Wrong answers are asked again with a hint, and an empty one goes back")
    func wrongAnswers() async throws {
        try await Fixture.run(Self.methods) { fixture in
            let outcome = try await Self.run(
                "5\n\u{1b}[A\n1\nreport\n3\nbeta\n\n2\n/nowhere\n\n3\n0\nnobody\n\n0\n",
                sockets: [fixture.socket])
            #expect(outcome.status == .ok)
            for hint in [
                "There is no choice \"5\"", "There is no choice \"\\u{1b}[A\"",
                "\"3\" is none of them: type a number from 1 to 2", "\"beta\" is none of them",
                "cannot read /nowhere: No such file or directory",
                "\"0\" is none of them", "\"nobody\" is none of them",
            ] {
                #expect(outcome.output.contains(hint), "\(hint)")
            }
            #expect(!outcome.output.contains("Downloading"))
        }
    }

    @Test("Nothing found says how far the search got")
    func nothingFound() async throws {
        try await Fixture.run(Self.methods) { fixture in
            let outcome = try await Self.run("1\nnothing\n0\n", sockets: [fixture.socket])
            #expect(outcome.output.contains("\"nothing\" in its name (reached 2 of 3 peers)"))
        }
    }

    @Test("A file is uploaded to a peer that is chosen by its name")
    func upload() async throws {
        try await Fixture.run(Self.methods) { fixture in
            try fixture.directory.write("abc", to: "mine.txt")
            let outcome = try await Self.run(
                "2\n\(fixture.directory.path)/mine.txt\nbeta\n", sockets: [fixture.socket])
            #expect(outcome.output.contains("[done] mine.txt to beta: 3 B in 10 ms. kept\n"))
            #expect(!outcome.output.contains("gamma"))
        }
    }

    @Test("Files are listed page by page on a terminal")
    func list() async throws {
        try await Fixture.run(Self.methods) { fixture in
            let all = try await Self.run("3\n1\n3\nhere\n", sockets: [fixture.socket])
            #expect(all.output.contains("  three  1.00 kB\nFiles: 3, 3.00 kB\n"))
            #expect(all.output.contains("  own  1.00 kB\nFiles: 1, 1.00 kB\n"))
            let paged = try await Self.run(
                "3\n1\n0\n0\n", sockets: [fixture.socket], pageLines: 2)
            #expect(paged.output.contains("  two  1.00 kB\nEnter: more, 0: enough: Files"))
            #expect(!paged.output.contains("three"))
        }
    }

    @Test("Leaving during a transfer asks: back to the menu, wrong, cancel")
    func leaving() async throws {
        let get: FakeDaemon.Method = { _ in
            try await Task.sleep(for: .seconds(60))
            throw VarlinkError("org.p2ppeer.Admin.Failed", ["reason": "late"])
        }
        try await Fixture.run(Self.methods.merging(["Get": get]) { $1 }) { fixture in
            let outcome = try await Self.run(
                "1\nreport\n1\n0\nm\n0\nx\nc\n", sockets: [fixture.socket])
            #expect(outcome.status == .ok)
            #expect(outcome.output.contains("   under way: a/report from beta"))
            #expect(outcome.output.contains("Transfers under way: 1."))
            #expect(outcome.output.contains("\"x\" is none of them"))
            #expect(outcome.output.contains("Cancelled"))
        }
    }

    @Test("A download that fails is announced with the daemon's reason")
    func failures() async throws {
        let get: FakeDaemon.Method = { call in
            let query = try call.parameters(as: Admin.GetQuery.self)
            if query.path == "a/there" {
                throw VarlinkError("org.p2ppeer.Admin.AlreadyExists", ["path": "a/there"])
            }
            throw VarlinkError("org.p2ppeer.Admin.Busy", ["reason": "too much"])
        }
        try await Fixture.run(Self.methods.merging(["Get": get]) { $1 }) { fixture in
            let outcome = try await Self.run(
                "1\nreport\n1\n1\nthere\n1\n", sockets: [fixture.socket])
            #expect(outcome.output.contains("[failed] a/report from beta: too much: try again"))
            #expect(outcome.output.contains("[not fetched] a/there: the shared directory has"))
        }
    }

    @Test("Without a daemon it says so, in the user's language, and exits 69")
    func noDaemon() async throws {
        let outcome = try await Self.run("1\n", sockets: ["/nowhere/s"], locale: "es_ES.UTF-8")
        #expect(outcome.status == .unavailable)
        #expect(
            outcome.output
                == "Ningún demonio responde en /nowhere/s: ¿está en marcha?"
                + " (systemctl status p2p-peer)\n")
    }

    @Test("Ctrl-C while the daemon is asked ends it")
    func interrupted() async throws {
        try await Fixture.run(Self.methods) { fixture in
            let outcome = try await Self.run("", sockets: [fixture.socket], interrupted: true)
            #expect(outcome.status == .interrupted)
        }
    }
}

/// A pipe that holds a text.
private struct Pipe: Sendable {
    let reader: OwnedDescriptor
    private let writer: OwnedDescriptor?

    init(_ text: String, closes: Bool = true) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        reader = OwnedDescriptor(owning: ends[0])
        let writer = OwnedDescriptor(owning: ends[1])
        let bytes = Array(text.utf8)
        #expect(write(writer.rawValue, bytes, bytes.count) == bytes.count)
        self.writer = closes ? nil : writer
    }
}
