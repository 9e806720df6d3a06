import Glibc
import Testing

@testable import Varlink

@Suite("Bounds and ends", .timeLimit(.minutes(1)))
struct LimitTests {
    @Test("A client that goes away cancels the handler")
    func goneClient() async throws {
        try await Fixture.run { fixture in
            let path = fixture.path
            let client = try RawClient(path: path)
            try client.send(#"{"method":"org.example.Sample.Wait"}"# + "\0")
            await fixture.sample.diary.has("began")
            _ = client.socket.descriptor.take().map { close($0) }
            await fixture.sample.diary.has("cancelled")
            await fixture.events.has("connectionEnded")
            #expect(fixture.events.lines.first?.contains("clientGone") == true)
        }
    }

    @Test("A reader that stalls suspends the handler, and is dropped after the limit")
    func stalledReader() async throws {
        var limits = VarlinkService.Limits()
        limits.stallLimit = .milliseconds(50)
        try await Fixture.run(limits: limits) { fixture in
            let client = try RawClient(path: fixture.path)
            try client.send(
                #"{"method":"org.example.Sample.Flood","parameters":{"bytes":65536},"more":true}"#
                    + "\0")
            await fixture.sample.diary.has("ended")
            #expect(fixture.sample.diary.lines.last?.contains("readerStalled") == true)
            // What fits in the socket's buffers, and no more, was written before.
            #expect(fixture.sample.diary.lines.count < 100)
            await fixture.events.has("connectionEnded")
            _ = try client.readToEnd()
        }
    }

    @Test("A call that is too long ends its connection, and no other")
    func longCall() async throws {
        var limits = VarlinkService.Limits()
        limits.messageBytesMax = 1000
        try await Fixture.run(limits: limits) { fixture in
            let other = try RawClient(path: fixture.path)
            let client = try RawClient(path: fixture.path)
            try client.send(String(repeating: " ", count: 1001))
            await fixture.events.has("connectionEnded")
            #expect(fixture.events.lines.first?.contains("messageTooLong") == true)
            try other.send(#"{"method":"org.example.Sample.Echo","parameters":{}}"# + "\0")
            let answer = try await blocking { try other.read() }
            #expect(answer.contains("InvalidParameter") || answer.contains("person"))
        }
    }

    @Test("Too many descriptors end the connection, and all are closed", arguments: [9, 16])
    func manyDescriptors(count: Int) async throws {
        try await Fixture.run { fixture in
            let client = try RawClient(path: fixture.path)
            let file = try temporaryFile(holding: "x")
            try client.send("{", descriptors: Array(repeating: file, count: count))
            await fixture.events.has("connectionEnded")
            #expect(fixture.events.lines.first?.contains("tooManyDescriptors") == true)
        }
    }

    @Test("What is no call ends the connection", arguments: ["x", "[]", "{}", #"{"method":1}"#])
    func malformed(text: String) async throws {
        try await Fixture.run { fixture in
            let client = try RawClient(path: fixture.path)
            try client.send(text + "\0")
            await fixture.events.has("connectionEnded")
            #expect(fixture.events.lines.first?.contains("malformed") == true)
            #expect(try client.readToEnd() == "")
        }
    }

    @Test("Deeply nested JSON is refused")
    func nested() async throws {
        try await Fixture.run { fixture in
            let client = try RawClient(path: fixture.path)
            try client.send(String(repeating: "[", count: 100_000) + "\0")
            await fixture.events.has("connectionEnded")
        }
    }

    @Test("One connection too many is closed at once; its place is free when another ends")
    func connectionLimit() async throws {
        var limits = VarlinkService.Limits()
        limits.connectionsMax = 2
        try await Fixture.run(limits: limits) { fixture in
            let path = fixture.path
            let clients = [try RawClient(path: path), try RawClient(path: path)]
            for client in clients {
                try client.send(#"{"method":"org.example.Sample.WhoAmI"}"# + "\0")
                _ = try await blocking { try client.read() }
            }
            let third = try await blocking { try RawClient(path: path).readToEnd() }
            #expect(third == "")
            #expect(fixture.events.lines.first?.contains("connectionRefused") == true)
            try clients[0].send("x\0")
            await fixture.events.has("connectionEnded")
            clients[1].finishSending()
            // Its place is free when its task has ended, which nothing tells a client but this.
            let who = try await blocking {
                while true {
                    do throws(ClientError) {
                        let who: SampleInterface.WhoAmI = try VarlinkClient(path: path).call(
                            "org.example.Sample.WhoAmI")
                        return who
                    } catch .closed {
                        continue
                    }
                }
            }
            #expect(who.listener == "main")
        }
    }

    @Test("Upgrades are not done")
    func upgrade() async throws {
        try await Fixture.run { fixture in
            let client = try RawClient(path: fixture.path)
            try client.send(#"{"method":"org.example.Sample.WhoAmI","upgrade":true}"# + "\0")
            let answer = try await blocking { try client.read() }
            #expect(answer.contains("MethodNotImplemented"))
        }
    }

    @Test("At the end, a call at work may finish, and its reply arrives")
    func drain() async throws {
        let fixture = Fixture(sample: try SampleInterface(), directory: try TemporaryDirectory())
        let service = try fixture.service()
        let running = Task { try await service.run() }
        let idle = try RawClient(path: fixture.path)
        let busy = try RawClient(path: fixture.path)
        try busy.send(#"{"method":"org.example.Sample.Hold"}"# + "\0")
        await fixture.sample.diary.has("began")
        running.cancel()
        #expect(try await blocking { try idle.readToEnd() } == "")
        fixture.sample.diary.add("released")
        #expect(try await blocking { try busy.readToEnd() } == "{\"parameters\":{}}\0")
        try await running.value
    }

    @Test("At the end, a call that goes on too long is cancelled")
    func drainLimit() async throws {
        let fixture = Fixture(sample: try SampleInterface(), directory: try TemporaryDirectory())
        var limits = VarlinkService.Limits()
        limits.drainLimit = .milliseconds(50)
        let service = try fixture.service(limits: limits)
        let running = Task { try await service.run() }
        let busy = try RawClient(path: fixture.path)
        try busy.send(#"{"method":"org.example.Sample.Wait"}"# + "\0")
        await fixture.sample.diary.has("began")
        running.cancel()
        // Waiting takes a minute, so it was the drain limit that ended it.
        await fixture.sample.diary.has("cancelled")
        try await running.value
    }

    @Test("A service that served many leaves no descriptor behind")
    func leaks() async throws {
        // Other suites open and close descriptors meanwhile: only a leak of each round shows.
        let before = try openDescriptors()
        try await Fixture.run { fixture in
            let path = fixture.path
            for _ in 1...500 {
                let content = try await blocking {
                    try VarlinkClient(path: path).call(
                        "org.example.Sample.ReadDescriptor", ["index": 0],
                        descriptors: [try temporaryFile(holding: "x")],
                        returning: SampleInterface.Content.self)
                }
                #expect(content.count == 1)
            }
        }
        #expect(try openDescriptors() < before + 250)
    }
}

@Suite("Listeners", .timeLimit(.minutes(1)))
struct ListenerTests {
    @Test("The socket file has its mode whatever the umask, and goes with its listener")
    func mode() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/s"
        do {
            let listener = try VarlinkListener(name: "a", path: path, mode: 0o666)
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o666)
            #expect(try directory.names() == ["s"])
            withExtendedLifetime(listener) {}
        }
        #expect(try directory.names() == [])
    }

    @Test("A socket that somebody listens on is refused, one of the dead is replaced")
    func stale() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/s"
        let first = try VarlinkListener(name: "a", path: path, mode: 0o600)
        #expect(throws: ListenError.inUse(path: path)) {
            try VarlinkListener(name: "b", path: path, mode: 0o600)
        }
        // As a killed process leaves it: closed, and still named.
        _ = first.descriptor.take().map { close($0) }
        let second = try VarlinkListener(name: "b", path: path, mode: 0o600)
        #expect(throws: Never.self) { try RawClient(path: path) }
        withExtendedLifetime((first, second)) {}
    }

    @Test("A listener removes its own name only")
    func replaced() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/s"
        do {
            let listener = try VarlinkListener(name: "a", path: path, mode: 0o600)
            unlink(path)
            close(open(path, O_CREAT | O_WRONLY, 0o600))
            withExtendedLifetime(listener) {}
        }
        #expect(try directory.names() == ["s"])
        #expect(throws: ListenError.notASocket(path: path)) {
            try VarlinkListener(name: "b", path: path, mode: 0o600)
        }
    }

    @Test("A listening descriptor can be taken over, another cannot")
    func inherited() async throws {
        let fixture = Fixture(sample: try SampleInterface(), directory: try TemporaryDirectory())
        let made = try VarlinkListener(name: "made", path: fixture.path, mode: 0o600)
        let number = try #require(made.descriptor.take())
        let service = VarlinkService(
            identity: ServiceIdentity(vendor: "", product: "", version: "", url: ""),
            interfaces: [fixture.sample],
            listeners: [try VarlinkListener(name: "read", owning: number)])
        let running = Task { try await service.run() }
        let who = try await blocking {
            try VarlinkClient(path: fixture.path).call(
                "org.example.Sample.WhoAmI", returning: SampleInterface.WhoAmI.self)
        }
        #expect(who.listener == "read")
        running.cancel()
        try await running.value
        let file = try temporaryFile(holding: "")
        #expect(throws: ListenError.notAListeningSocket(descriptor: file.rawValue)) {
            try VarlinkListener(name: "x", owning: file.rawValue)
        }
    }

    @Test("A path that no address can hold, or in no directory, says so")
    func badPath() {
        let long = "/tmp/" + String(repeating: "x", count: 120)
        #expect(
            throws: ListenError.system(SystemError("bind", code: ENAMETOOLONG), path: long)
        ) {
            try VarlinkListener(name: "a", path: long, mode: 0o600)
        }
        #expect(
            throws: ListenError.system(SystemError("bind", code: ENOENT), path: "/nowhere/s")
        ) {
            try VarlinkListener(name: "a", path: "/nowhere/s", mode: 0o600)
        }
    }
}

@Suite("Clients", .timeLimit(.minutes(1)))
struct ClientTests {
    @Test("No socket and no listener are told apart")
    func connecting() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/s"
        let absent = #expect(throws: ClientError.self) { try VarlinkClient(path: path) }
        guard case .notThere = absent else {
            Issue.record("\(String(describing: absent))")
            return
        }
        let listener = try VarlinkListener(name: "a", path: path, mode: 0o600)
        _ = listener.descriptor.take().map { close($0) }
        let refused = #expect(throws: ClientError.self) { try VarlinkClient(path: path) }
        guard case .refused = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
    }

    @Test("A readable interrupt descriptor ends the wait for a reply")
    func interrupt() async throws {
        try await Fixture.run { fixture in
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let (reader, writer) = (
                OwnedDescriptor(owning: ends[0]), OwnedDescriptor(owning: ends[1])
            )
            let path = fixture.path
            let waiting = Task {
                try await blocking {
                    try VarlinkClient(path: path, interrupt: reader.rawValue).call(
                        "org.example.Sample.Wait", returning: NoParameters.self)
                }
            }
            await fixture.sample.diary.has("began")
            _ = write(writer.rawValue, "x", 1)
            let error = await #expect(throws: ClientError.self) { try await waiting.value }
            guard case .interrupted = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            await fixture.sample.diary.has("cancelled")
        }
    }
}
