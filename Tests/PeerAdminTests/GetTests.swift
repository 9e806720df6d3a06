import AdminWire
import Glibc
import Testing

@testable import PeerAdmin
@testable import Varlink

@Suite("get", .timeLimit(.minutes(1)))
struct GetTests {
    private static let content = "The quick brown fox jumps over the lazy dog"
    private static let digest = String(repeating: "ab", count: 32)

    private static func progress(
        _ state: String,
        _ received: Int,
        resumed: Int = 0,
        path: String = "docs/fox.txt"
    ) -> Admin.GetReply {
        Admin.GetReply(
            progress: Admin.Progress(
                state: state, path: path, size: content.utf8.count, received: received,
                resumed: resumed, source: "peer2", sha256: digest, elapsed_ms: received))
    }

    /// Writes what is missing to the descriptor, as the daemon does.
    private static func sending(path: String = "docs/fox.txt") -> FakeDaemon.Method {
        { call in
            let query = try call.parameters(as: Admin.GetQuery.self)
            let output = try #require(query.output)
            let number = call.descriptors[output].rawValue
            let resumed = Int(lseek(number, 0, Int32(SEEK_END)))
            try await call.reply(progress("receiving", resumed, resumed: resumed, path: path))
            let rest = Array(content.utf8.dropFirst(resumed))
            #expect(pwrite(number, rest, rest.count, resumed) == rest.count)
            return VarlinkReply(
                progress("done", content.utf8.count, resumed: resumed, path: path))
        }
    }

    @Test("Into the shared directory, it ends in one line that says where")
    func shared() async throws {
        let get: FakeDaemon.Method = { call in
            let query = try call.parameters(as: Admin.GetQuery.self)
            #expect(query.path == "docs/fox.txt")
            #expect(query.peer == "peer2")
            #expect(query.output == nil)
            try await call.reply(Self.progress("finding", 0))
            return VarlinkReply(Self.progress("done", 43))
        }
        try await Fixture.run(["Get": get]) { fixture in
            let outcome = try await fixture.command("get", "docs/fox.txt@peer2")
            #expect(
                outcome.output == "docs/fox.txt: 43 bytes in 43 ms, 1.00 kB/s, from peer2,"
                    + " sha256 \(Self.digest), now in the shared directory\n")
            #expect(outcome.diagnostics == "")
            let json = try await fixture.command("get", "docs/fox.txt@peer2", "--json")
            let lines = json.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.last?.hasPrefix(#"{"version":1,"type":"result","#) == true)
            let bar = try await fixture.command("get", "docs/fox.txt@peer2", progressWidth: 80)
            #expect(bar.diagnostics.contains("finding"))
            #expect(bar.diagnostics.hasSuffix("\r\u{1b}[K"))
        }
    }

    @Test("To a file or a directory, the file is whole, has the umask's mode, and nothing is left")
    func output() async throws {
        try await Fixture.run(["Get": Self.sending()]) { fixture in
            let path = fixture.directory.path
            let first = try await fixture.command("get", "docs/fox.txt", "--output", path)
            #expect(first.status == .ok)
            #expect(first.output.hasSuffix("now \(path)/fox.txt\n"))
            let second = try await fixture.command("get", "docs/fox.txt", "--output", "\(path)/b")
            #expect(second.status == .ok)
            #expect(try fixture.directory.names() == ["b", "fox.txt"])
            #expect(try fixture.directory.read("fox.txt") == Self.content)
            var status = stat()
            #expect(stat("\(path)/b", &status) == 0)
            let mask = umask(0o022)
            umask(mask)
            #expect(status.st_mode & 0o777 == 0o666 & ~mask)
        }
    }

    @Test("By digest into a directory, the transfer says the name")
    func digestToDirectory() async throws {
        try await Fixture.run(["Get": Self.sending()]) { fixture in
            let outcome = try await fixture.command(
                "get", "sha256:\(Self.digest)", "--output", fixture.directory.path)
            #expect(outcome.status == .ok)
            #expect(try fixture.directory.names() == ["fox.txt"])
        }
    }

    @Test("A name that leads elsewhere is refused", arguments: ["docs/..", "", "/", "a/."])
    func hostileName(path: String) async throws {
        try await Fixture.run(["Get": Self.sending(path: path)]) { fixture in
            let outcome = try await fixture.command(
                "get", "sha256:\(Self.digest)", "--output", fixture.directory.path)
            #expect(outcome.status == .cannotCreate)
            #expect(try fixture.directory.names() == [".\(Self.digest).p2p-part"])
        }
    }

    @Test("A partial file is taken up again, and the line says so")
    func resume() async throws {
        try await Fixture.run(["Get": Self.sending()]) { fixture in
            try fixture.directory.write("The quick ", to: ".fox.txt.p2p-part")
            let outcome = try await fixture.command(
                "get", "docs/fox.txt", "--output", fixture.directory.path)
            #expect(outcome.output.contains("resumed after 10 bytes"))
            #expect(try fixture.directory.read("fox.txt") == Self.content)
        }
    }

    @Test("A file that is there is refused before the daemon is asked, and replaced by --force")
    func existing() async throws {
        let asked = Asked()
        let sending = Self.sending()
        let get: FakeDaemon.Method = { call in
            asked.note()
            return try await sending(call)
        }
        try await Fixture.run(["Get": get]) { fixture in
            try fixture.directory.write("mine", to: "fox.txt")
            let path = fixture.directory.path
            let refused = try await fixture.command("get", "docs/fox.txt", "--output", path)
            #expect(refused.status == .cannotCreate)
            #expect(refused.diagnostics.contains("fox.txt exists already: --force replaces it"))
            #expect(try fixture.directory.read("fox.txt") == "mine")
            #expect(try fixture.directory.names() == ["fox.txt"])
            #expect(asked.times == 0)
            let forced = try await fixture.command(
                "get", "docs/fox.txt", "--output", path, "--force")
            #expect(forced.status == .ok)
            #expect(try fixture.directory.read("fox.txt") == Self.content)
        }
    }

    @Test("A name that is taken meanwhile is not overwritten, and the bytes are kept")
    func takenMeanwhile() async throws {
        let sending = Self.sending()
        let directory = Asked()
        let get: FakeDaemon.Method = { call in
            let reply = try await sending(call)
            directory.act()
            return reply
        }
        try await Fixture.run(["Get": get]) { fixture in
            directory.onAct { [directory = fixture.directory] in
                try directory.write("other", to: "fox.txt")
            }
            let outcome = try await fixture.command(
                "get", "docs/fox.txt", "--output", fixture.directory.path)
            #expect(outcome.status == .cannotCreate)
            #expect(try fixture.directory.read("fox.txt") == "other")
            #expect(try fixture.directory.read(".fox.txt.p2p-part") == Self.content)
        }
    }

    @Test("A file of the wrong size is not published")
    func wrongSize() async throws {
        let get: FakeDaemon.Method = { _ in VarlinkReply(Self.progress("done", 43)) }
        try await Fixture.run(["Get": get]) { fixture in
            let outcome = try await fixture.command(
                "get", "docs/fox.txt", "--output", fixture.directory.path)
            #expect(outcome.status == .transferFailed)
            #expect(try fixture.directory.names() == [".fox.txt.p2p-part"])
        }
    }

    @Test("What fails before a byte arrived leaves nothing")
    func notFound() async throws {
        let get: FakeDaemon.Method = { _ in
            throw VarlinkError("org.p2ppeer.Admin.NotFound", ["what": "docs/fox.txt"])
        }
        try await Fixture.run(["Get": get]) { fixture in
            let outcome = try await fixture.command(
                "get", "docs/fox.txt", "--output", fixture.directory.path)
            #expect(outcome.status == .failed)
            #expect(try fixture.directory.names() == [])
        }
    }

    @Test("A directory that cannot be written, a link for a partial file: exit 73")
    func cannotCreate() async throws {
        try await Fixture.run(["Get": Self.sending()]) { fixture in
            let nowhere = try await fixture.command("get", "a", "--output", "/nowhere/a")
            #expect(nowhere.status == .cannotCreate)
            #expect(nowhere.diagnostics.contains("/nowhere: No such file or directory"))
            #expect(symlink("/tmp/elsewhere", "\(fixture.directory.path)/.a.p2p-part") == 0)
            let link = try await fixture.command(
                "get", "a", "--output", "\(fixture.directory.path)/a")
            #expect(link.status == .cannotCreate)
        }
    }

    @Test("Two gets of one output do not write into each other")
    func locked() async throws {
        try await Fixture.run(["Get": Self.sending()]) { fixture in
            let other = try OutputFile(
                output: "\(fixture.directory.path)/a", fileName: nil, digest: nil, replaces: false)
            let outcome = try await fixture.command(
                "get", "docs/fox.txt", "--output", "\(fixture.directory.path)/a")
            #expect(outcome.status == .cannotCreate)
            #expect(outcome.diagnostics.contains("another p2padm get"))
            withExtendedLifetime(other) {}
        }
    }

    @Test(
        "A daemon that goes away is asked again when it is back, also while it knows no peers yet")
    func restart() async throws {
        let asked = Asked()
        let sending = Self.sending()
        let before: FakeDaemon.Method = { call in
            #expect(pwrite(call.descriptors[0].rawValue, "The", 3, 0) == 3)
            try await call.reply(Self.progress("receiving", 3))
            asked.act()
            try await Task.sleep(for: .seconds(60))
            return VarlinkReply(Self.progress("done", 43))
        }
        let after: FakeDaemon.Method = { call in
            asked.note()
            if asked.times == 1 {
                throw VarlinkError("org.p2ppeer.Admin.NotFound", ["what": "docs/fox.txt"])
            }
            return try await sending(call)
        }
        let outcome = try await FakeDaemon.restarting(
            before: ["Get": before], after: ["Get": after], when: asked, "get", "docs/fox.txt")
        #expect(outcome.status == .ok)
        #expect(outcome.diagnostics == "p2padm: the daemon restarted; continuing\n")
        #expect(outcome.output.contains("resumed after 3 bytes"))
        #expect(asked.times == 2)
    }

    @Test("Ctrl-C keeps what has arrived, and says that it can be resumed")
    func interrupted() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (reader, writer) = (OwnedDescriptor(owning: ends[0]), OwnedDescriptor(owning: ends[1]))
        let get: FakeDaemon.Method = { call in
            #expect(pwrite(call.descriptors[0].rawValue, "The", 3, 0) == 3)
            try await call.reply(Self.progress("receiving", 3))
            // Ctrl-C; then this call is cancelled, because its client has gone.
            #expect(write(writer.rawValue, "x", 1) == 1)
            try await Task.sleep(for: .seconds(60))
            return VarlinkReply(Self.progress("done", 43))
        }
        try await Fixture.run(["Get": get]) { fixture in
            let outcome = try await fixture.command(
                "get", "docs/fox.txt", "--output", fixture.directory.path,
                interrupt: reader.rawValue)
            #expect(outcome.status == .interrupted)
            #expect(outcome.diagnostics.contains("the same command again resumes it"))
            #expect(try fixture.directory.read(".fox.txt.p2p-part") == "The")
        }
    }
}
