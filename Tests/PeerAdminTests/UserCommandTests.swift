import AdminWire
import Glibc
import Synchronization
import Testing

@testable import PeerAdmin
@testable import Varlink

@Suite("Accounts", .timeLimit(.minutes(1)))
struct UserCommandTests {
    @Test("user list is a table of all pages, or an object a line")
    func list() async throws {
        let method: FakeDaemon.Method = { call in
            try await call.reply(
                Admin.Users(
                    users: [.init(name: "Peer1", disabled: false, logged_in: true)],
                    continues: true))
            return VarlinkReply(
                Admin.Users(
                    users: [.init(name: "P\u{1b}2", disabled: true, logged_in: false)],
                    continues: false))
        }
        try await Fixture.run(["ListUsers": method]) { fixture in
            let outcome = try await fixture.command("user", "list")
            #expect(outcome.output == "STATE      NAME\nlogged in  Peer1\ndisabled   P\\u{1b}2\n")
            let json = try await fixture.command("user", "list", "--json")
            let line =
                #"{"version":1,"type":"user","user":"#
                + #"{"disabled":false,"logged_in":true,"name":"Peer1"}}"#
            #expect(json.output.hasPrefix("\(line)\n"))
            #expect(json.output.split(separator: "\n").count == 2)
        }
    }

    @Test("A password is the first line of a file, and is not printed")
    func add() async throws {
        let received = Mutex<[Admin.NewUser]>([])
        let method: FakeDaemon.Method = { call in
            let user = try call.parameters(as: Admin.NewUser.self)
            received.withLock { $0.append(user) }
            return VarlinkReply(Admin.UserChange(logged_out: false))
        }
        try await Fixture.run(["AddUser": method, "SetPassword": method]) { fixture in
            let file = "\(fixture.directory.path)/password"
            try write("contraseña 1\r\nmore\n", to: file)
            let added = try await fixture.command("user", "add", "Peer1", "--password-file", file)
            #expect(added == Outcome(status: .ok, output: "Peer1 added\n", diagnostics: ""))
            let set = try await fixture.command(
                "user", "passwd", "Peer1", "--password-file", file, "--json")
            #expect(
                set.output == #"{"version":1,"type":"change","change":"#
                    + #"{"action":"passwd","logged_out":false,"name":"Peer1"}}"# + "\n")
        }
        #expect(received.withLock { $0.map(\.password) } == ["contraseña 1", "contraseña 1"])
        #expect(!"\(received.withLock { $0 })".contains("contraseña"))
    }

    @Test(
        "What can be no password is refused before the daemon is asked", arguments: [0, 1025, 5000])
    func refused(bytes: Int) async throws {
        try await Fixture.run([:]) { fixture in
            let file = "\(fixture.directory.path)/password"
            try write(String(repeating: "x", count: bytes), to: file)
            let outcome = try await fixture.command(
                "user", "add", "Peer1", "--password-file", file)
            #expect(outcome.status == .usage)
            #expect(outcome.diagnostics.contains("1 to 1024 bytes"))
            #expect(!outcome.diagnostics.contains("xx"))
            let missing = try await fixture.command(
                "user", "add", "Peer1", "--password-file", "/nowhere/x")
            #expect(missing.status == .failed)
        }
    }

    @Test("A change that ended a login says so")
    func change() async throws {
        let method: FakeDaemon.Method = { _ in VarlinkReply(Admin.UserChange(logged_out: true)) }
        try await Fixture.run(["RemoveUser": method]) { fixture in
            let outcome = try await fixture.command("user", "remove", "Peer1")
            #expect(outcome.output == "Peer1 removed, and logged out\n")
        }
    }

    private func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        #expect(fputs(text, file) >= 0)
        try #require(fclose(file) == 0)
    }
}
