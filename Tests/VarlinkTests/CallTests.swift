import Glibc
import Testing

@testable import Varlink

@Suite("Calls", .timeLimit(.minutes(1)))
struct CallTests {
    private typealias Person = SampleInterface.Person

    private func name(of error: (any Error)?) -> String? {
        guard case .remote(let error) = error as? ClientError else { return nil }
        return error.name
    }

    @Test("Parameters go there and come back")
    func echo() async throws {
        try await Fixture.run { fixture in
            let person = Person(name: "Zoë \u{1}\"/", age: Int(Int64.max))
            let back = try await blocking { [path = fixture.path] in
                try VarlinkClient(path: path).call(
                    "org.example.Sample.Echo", ["person": person],
                    returning: [String: Person].self)
            }
            #expect(back == ["person": person])
        }
    }

    @Test("Several replies arrive in order, and the connection takes the next call after them")
    func more() async throws {
        try await Fixture.run { fixture in
            let numbers = try await blocking { [path = fixture.path] in
                let client = try VarlinkClient(path: path)
                var numbers: [Int?] = []
                for _ in 1...2 {
                    var replies = try client.callMore(
                        "org.example.Sample.Count", ["to": 1000], returning: [String: Int].self)
                    while let reply = try replies.next() { numbers.append(reply["number"]) }
                }
                return numbers
            }
            #expect(numbers == Array(1...1000) + Array(1...1000))
        }
    }

    @Test("A method that answers several times refuses a call that takes one reply")
    func expectedMore() async throws {
        try await Fixture.run { fixture in
            let error = await #expect(throws: ClientError.self) {
                try await blocking { [path = fixture.path] in
                    try VarlinkClient(path: path).call(
                        "org.example.Sample.Count", ["to": 3], returning: NoParameters.self)
                }
            }
            #expect(name(of: error) == "org.varlink.service.ExpectedMore")
        }
    }

    @Test(
        "Each way to fail has its error",
        arguments: [
            ("org.example.Sample.Later", "org.varlink.service.MethodNotImplemented"),
            ("org.example.Sample.Never", "org.varlink.service.MethodNotFound"),
            ("org.example.Other.Echo", "org.varlink.service.InterfaceNotFound"),
            ("nothing", "org.varlink.service.MethodNotFound"),
            ("org.example.Sample.Fail", "org.example.Sample.Unexpected"),
            ("org.example.Sample.ReadDescriptor", "org.varlink.service.InvalidParameter"),
        ])
    func failures(method: String, expected: String) async throws {
        try await Fixture.run { fixture in
            let error = await #expect(throws: ClientError.self) {
                try await blocking { [path = fixture.path] in
                    try VarlinkClient(path: path).call(method, returning: NoParameters.self)
                }
            }
            #expect(name(of: error) == expected)
        }
    }

    @Test("An error carries its parameters")
    func errorParameters() async throws {
        try await Fixture.run { fixture in
            let error = await #expect(throws: ClientError.self) {
                try await blocking { [path = fixture.path] in
                    try VarlinkClient(path: path).call(
                        "org.example.Sample.Fail", ["kind": "odd"], returning: NoParameters.self)
                }
            }
            guard case .remote(let remote) = error else { return }
            #expect(remote.name == "org.example.Sample.Odd")
            let parameters = try remote.parameters(as: [String: Int].self)
            #expect(parameters == ["number": 7])
        }
    }

    @Test("A parameter of the wrong type is named")
    func invalidParameter() async throws {
        try await Fixture.run { fixture in
            let error = await #expect(throws: ClientError.self) {
                try await blocking { [path = fixture.path] in
                    try VarlinkClient(path: path).call(
                        "org.example.Sample.Echo", ["person": ["name": 1]],
                        returning: NoParameters.self)
                }
            }
            guard case .remote(let remote) = error else { return }
            #expect(remote.name == "org.varlink.service.InvalidParameter")
            let parameters = try remote.parameters(as: [String: String].self)
            #expect(parameters == ["parameter": "person.name"])
        }
    }

    @Test("The service says who it is and what it can do")
    func introspection() async throws {
        struct Info: Decodable, Sendable {
            var vendor: String
            var interfaces: [String]
        }
        try await Fixture.run { fixture in
            let path = fixture.path
            let info = try await blocking {
                try VarlinkClient(path: path).call(
                    "org.varlink.service.GetInfo", returning: Info.self)
            }
            #expect(info.vendor == "Example")
            #expect(info.interfaces == ["org.varlink.service", "org.example.Sample"])
            let text = try await blocking {
                try VarlinkClient(path: path).call(
                    "org.varlink.service.GetInterfaceDescription",
                    ["interface": "org.example.Sample"], returning: [String: String].self)
            }
            #expect(text["description"] == SampleInterface.text)
        }
    }

    @Test("A handler knows who called, and by which socket")
    func caller() async throws {
        try await Fixture.run { fixture in
            let who = try await blocking { [path = fixture.path] in
                try VarlinkClient(path: path).call(
                    "org.example.Sample.WhoAmI", returning: SampleInterface.WhoAmI.self)
            }
            #expect(who.pid == getpid())
            #expect(who.uid == getuid())
            #expect(who.listener == "main")
        }
    }

    @Test("Descriptors reach the handler by index, and none stays open")
    func descriptors() async throws {
        try await Fixture.run { fixture in
            let path = fixture.path
            let content = try await blocking {
                let files = [
                    try temporaryFile(holding: "zero"), try temporaryFile(holding: "one"),
                ]
                return try VarlinkClient(path: path).call(
                    "org.example.Sample.ReadDescriptor", ["index": 1], descriptors: files,
                    returning: SampleInterface.Content.self)
            }
            #expect(content == .init(text: "one", count: 2))
        }
    }

    @Test("A oneway call has no reply and no error, and the next call is answered")
    func oneway() async throws {
        try await Fixture.run { fixture in
            let answer = try await blocking { [path = fixture.path] in
                let client = try RawClient(path: path)
                try client.send(
                    #"{"method":"org.example.Sample.Note","parameters":{"text":"a"},"oneway":true}"#
                        + "\0" + #"{"method":"org.example.Sample.Fail","oneway":true}"# + "\0"
                        + #"{"method":"org.example.Sample.Note","parameters":{"text":"b"}}"# + "\0")
                client.finishSending()
                return try client.readToEnd()
            }
            #expect(answer == "{\"parameters\":{}}\0")
            #expect(fixture.sample.diary.lines == ["a", "b"])
        }
    }

    @Test("Who sends a oneway call and leaves at once is still heard")
    func onewayAndGone() async throws {
        try await Fixture.run { fixture in
            try await blocking { [path = fixture.path] in
                try RawClient(path: path).send(
                    #"{"method":"org.example.Sample.Note","parameters":{"text":"x"},"oneway":true}"#
                        + "\0")
            }
            await fixture.sample.diary.has("x")
        }
    }

    @Test("Pipelined calls are answered in their order")
    func pipelined() async throws {
        try await Fixture.run { fixture in
            let answer = try await blocking { [path = fixture.path] in
                let client = try RawClient(path: path)
                let calls = (1...200).map {
                    #"{"method":"org.example.Sample.Count","parameters":{"to":\#($0)},"more":true}"#
                        + "\0"
                }
                try client.send(calls.joined())
                client.finishSending()
                return try client.readToEnd()
            }
            let lasts = answer.split(separator: "\0").filter { !$0.contains("continues") }
            #expect(
                lasts.map(String.init) == (1...200).map { #"{"parameters":{"number":\#($0)}}"# })
        }
    }
}
