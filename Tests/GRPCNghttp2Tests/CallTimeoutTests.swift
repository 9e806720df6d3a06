import GRPCCore
import Testing

@testable import GRPCNghttp2

@Suite("The header field grpc-timeout")
struct CallTimeoutTests {
    @Test(
        "An amount and a unit",
        arguments: [
            ("1H", .seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)),
            ("4m", .milliseconds(4)), ("5u", .microseconds(5)), ("6n", .nanoseconds(6)),
            ("0n", .zero), ("00000001S", .seconds(1)), ("99999999n", .nanoseconds(99_999_999)),
            ("99999999H", .seconds(359_999_996_400)),
        ] as [(String, Duration)])
    func valid(text: String, duration: Duration) {
        #expect(CallTimeout(text)?.duration == duration)
    }

    @Test(
        "Anything else is none",
        arguments: [
            "", "S", "1", "1s", "-1S", "+1S", " 1S", "1 S", "1SS", "100000000S", "1.5S", "0x1S",
            "١S",
        ])
    func invalid(text: String) {
        #expect(CallTimeout(text) == nil)
    }

    @Test(
        "What GRPCCore reads has seven digits, and is no shorter",
        arguments: [
            ("1S", "1S"), ("9999999m", "9999999m"), ("10000000m", "10000S"),
            ("99999999n", "100000u"), ("99999999S", "1666667M"), ("99999999H", "9999999H"),
        ])
    func normalized(text: String, short: String) {
        #expect(CallTimeout(text)?.normalized == short)
    }
}

@Suite("What a request's header fields say of its call")
struct CallHeadTests {
    private func head(_ path: String, _ fields: [HeaderField] = []) throws(RPCError) -> CallHead {
        try CallHead([HeaderField(":path", path)] + fields)
    }

    @Test("Service and method of a path")
    func path() throws {
        let descriptor = try head("/a.b.C/D").descriptor
        #expect(descriptor.service.fullyQualifiedService == "a.b.C")
        #expect(descriptor.method == "D")
    }

    @Test(
        "A path that names no method is UNIMPLEMENTED",
        arguments: ["", "/", "/a", "a/b", "/a/", "//b"])
    func noMethod(path: String) {
        let error = #expect(throws: RPCError.self) { try head(path) }
        #expect(error?.code == .unimplemented)
    }

    @Test("An unknown encoding is UNIMPLEMENTED, a malformed timeout INTERNAL")
    func refused() throws {
        let encoding = #expect(throws: RPCError.self) {
            try head("/a/b", [HeaderField("grpc-encoding", "br")])
        }
        #expect(encoding?.code == .unimplemented)
        let timeout = #expect(throws: RPCError.self) {
            try head("/a/b", [HeaderField("grpc-timeout", "-1S")])
        }
        #expect(timeout?.code == .internalError)
        #expect(try head("/a/b", [HeaderField("grpc-encoding", "identity")]).encoding == .identity)
    }
}
