import AdminWire
import Glibc
import Testing

@testable import PeerAdmin
@testable import Varlink

@Suite("put", .timeLimit(.minutes(1)))
struct PutTests {
    private static func progress(_ state: String, _ sent: Int) -> Admin.PutReply {
        Admin.PutReply(
            progress: .init(
                state: state, name: "there.txt", peer: "beta", size: 3, sent: sent,
                message: state == "done" ? "kept" : nil, elapsed_ms: sent))
    }

    @Test("The daemon gets the file open, and the end is one line with the peer's words")
    func put() async throws {
        let put: FakeDaemon.Method = { call in
            let query = try call.parameters(as: Admin.PutQuery.self)
            #expect(query.name == "there.txt")
            #expect(query.peer == "beta")
            var bytes = [UInt8](repeating: 0, count: 10)
            #expect(pread(call.descriptors[query.input].rawValue, &bytes, 10, 0) == 3)
            #expect(Array(bytes.prefix(3)) == Array("abc".utf8))
            try await call.reply(Self.progress("sending", 0))
            return VarlinkReply(Self.progress("done", 3))
        }
        try await Fixture.run(["Put": put]) { fixture in
            try fixture.directory.write("abc", to: "a.txt")
            let path = "\(fixture.directory.path)/a.txt"
            let outcome = try await fixture.command("put", path, "beta", "--as", "there.txt")
            #expect(outcome.status == .ok)
            #expect(
                outcome.output
                    == "there.txt: 3 bytes in 3 ms, 1.00 kB/s, to beta, which says: kept\n")
            #expect(outcome.diagnostics == "")
            let json = try await fixture.command(
                "put", path, "beta", "--as", "there.txt", "--json")
            let lines = json.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines.last?.hasPrefix(#"{"version":1,"type":"upload","#) == true)
            let bar = try await fixture.command(
                "put", path, "beta", "--as", "there.txt", progressWidth: 80)
            #expect(bar.diagnostics.contains("0 % "))
        }
    }

    @Test("A peer that refuses is named with its reason: exit 74")
    func refused() async throws {
        let put: FakeDaemon.Method = { call in
            struct Parameters: Encodable, Sendable {
                var name = "a.txt"
                var peer = "beta"
                var reason = "takes no uploads"
                var sent = 0
                var size = 3
            }
            let query = try call.parameters(as: Admin.PutQuery.self)
            #expect(query.name == "a.txt")
            throw VarlinkError("org.p2ppeer.Admin.UploadFailed", Parameters())
        }
        try await Fixture.run(["Put": put]) { fixture in
            try fixture.directory.write("abc", to: "a.txt")
            let path = "\(fixture.directory.path)/a.txt"
            let outcome = try await fixture.command("put", path, "beta")
            #expect(outcome.status == .transferFailed)
            #expect(
                outcome.diagnostics == "p2padm: put \(path): beta does not keep it:"
                    + " takes no uploads (0 B of 3 B sent)\n")
        }
    }

    @Test("What cannot be read, or has no end, is refused before the daemon is asked: exit 66")
    func input() async throws {
        let asked = Asked()
        let put: FakeDaemon.Method = { _ in
            asked.note()
            return VarlinkReply(Self.progress("done", 3))
        }
        try await Fixture.run(["Put": put]) { fixture in
            #expect(mkfifo("\(fixture.directory.path)/fifo", 0o600) == 0)
            for path in ["/nowhere/a", "/tmp", "/dev/zero", "\(fixture.directory.path)/fifo"] {
                let outcome = try await fixture.command("put", path, "beta")
                #expect(outcome.status == .noInput)
                #expect(outcome.diagnostics.hasPrefix("p2padm: put \(path): "))
            }
            #expect(asked.times == 0)
            try fixture.directory.write("abc", to: "a.txt")
            let empty = try await fixture.command(
                "put", "\(fixture.directory.path)/a.txt", "beta", "--as", "")
            #expect(empty.status == .usage)
        }
    }

    @Test("files --peer passes the peer on")
    func filesOfPeer() async throws {
        let files: FakeDaemon.Method = { call in
            let query = try call.parameters(as: Admin.FilesQuery.self)
            #expect(query.peer == "beta")
            let file = Admin.File(path: "a", name: "a", type: "", size: 1, modified: 0)
            return VarlinkReply(Admin.Files(files: [file], continues: false))
        }
        try await Fixture.run(["Files": files]) { fixture in
            let outcome = try await fixture.command("files", "--peer", "beta")
            // The original's peers do not tell a file's age.
            #expect(outcome.output.contains("     1 B       -  -             a\n"))
        }
    }
}
