import GRPCCore
import NIOCore
import Testing

@testable import GRPCNghttp2

@Suite("Messages as gzip")
struct GzipTests {
    private func decompressed(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> [UInt8] {
        Array(try Gzip.decompress(ByteBuffer(bytes: bytes), limit: limit).readableBytesView)
    }

    /// What `printf hello | gzip -n` prints: made by another implementation.
    private let hello: [UInt8] = [
        0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0, 0x86, 0xa6,
        0x10, 0x36, 0x05, 0, 0, 0,
    ]

    @Test("What gzip(1) made is read, up to the limit and no byte further")
    func limit() throws {
        #expect(try decompressed(hello, limit: 5) == Array("hello".utf8))
        #expect(throws: Gzip.Failure.tooLarge(limit: 4)) { try decompressed(hello, limit: 4) }
    }

    @Test("What is cut, changed or followed by something is refused")
    func damaged() {
        for count in hello.indices {
            #expect(throws: Gzip.Failure.damaged) { try decompressed(Array(hello[..<count])) }
        }
        #expect(throws: Gzip.Failure.damaged) { try decompressed(hello + [0]) }
        for index in hello.indices.dropFirst(10) {
            var changed = hello
            changed[index] ^= 1
            #expect(throws: Gzip.Failure.self, "byte \(index)") { try decompressed(changed) }
        }
    }

    @Test("What becomes shorter comes back as it was", arguments: [100, 4096, 4097, 3_000_000])
    func roundTrip(count: Int) throws {
        let bytes = (0..<count).map { UInt8($0 / 64 % 251) }
        let compressed = try #require(Gzip.compress(ByteBuffer(bytes: bytes)))
        #expect(compressed.readableBytes < count)
        #expect(try decompressed(Array(compressed.readableBytesView), limit: count) == bytes)
    }

    @Test("What would not become shorter is left alone", arguments: [0, 1, 10, 10_000])
    func incompressible(count: Int) {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(Gzip.compress(ByteBuffer(bytes: bytes)) == nil)
    }

    @Test("A bomb is stopped at the limit")
    func bomb() throws {
        let zeros = try #require(Gzip.compress(ByteBuffer(repeating: 0, count: 64 << 20)))
        #expect(zeros.readableBytes < 100_000)
        #expect(throws: Gzip.Failure.tooLarge(limit: 1000)) {
            try Gzip.decompress(zeros, limit: 1000)
        }
    }

    @Test("Only a message that may be, and is worth it, is compressed")
    func encoded() {
        var message = MessageBytes(repeating: 0, count: 1000)
        #expect(message.encoded().isEncoded)
        message.mayBeCompressed = false
        #expect(!message.encoded().isEncoded)
        #expect(!MessageBytes([1, 2, 3] as [UInt8]).encoded().isEncoded)
    }
}

@Suite("Encodings that were agreed on")
struct MessageEncodingTests {
    @Test(
        "A caller's list decides",
        arguments: [
            ("gzip", true), ("identity,deflate,gzip", true), ("identity, gzip , x", true),
            ("identity", false), ("xgzip", false), ("", false),
        ])
    func accepted(list: String, isAccepted: Bool) {
        let fields = [HeaderField("grpc-accept-encoding", list)]
        #expect(MessageEncoding.gzip.accepted(by: fields) == (isAccepted ? .gzip : .identity))
        #expect(MessageEncoding.identity.accepted(by: fields) == .identity)
    }

    @Test("Without a list there is no compression")
    func none() {
        #expect(MessageEncoding.gzip.accepted(by: []) == .identity)
    }
}
