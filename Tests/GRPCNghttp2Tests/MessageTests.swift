import GRPCCore
import Glibc
import NIOCore
import SystemPackage
import Testing

@testable import GRPCNghttp2

@Suite("Length-prefixed messages")
struct MessageDeframerTests {
    private func framed(_ payload: [UInt8], flag: UInt8 = 0) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(flag, UInt32(payload.count))
        buffer.writeBytes(payload)
        return buffer
    }

    @Test("Messages come out whole, wherever the bytes are cut", arguments: 1...16)
    func cuts(step: Int) throws {
        let payloads: [[UInt8]] = [[], [1], [2, 3, 4], [UInt8](repeating: 9, count: 40)]
        var input = ByteBuffer()
        for payload in payloads { input.writeImmutableBuffer(framed(payload)) }
        let total = input.readableBytes

        var deframer = MessageDeframer(messageBytesMax: 100, windowBytes: 64)
        var received: [[UInt8]] = []
        var credited = 0
        while let part = input.readSlice(length: min(step, input.readableBytes)),
            part.readableBytes > 0
        {
            credited += try deframer.receive(part) { message, held in
                received.append(message.withUnsafeBytes(Array.init))
                credited += held
            }
        }

        #expect(received == payloads)
        // Every byte is credited once: at once, or with the message that is taken.
        #expect(credited == total)
        #expect(deframer.isAtBoundary)
    }

    @Test("Of a message that nobody takes a part stays uncredited, however it was cut")
    func held() throws {
        var deframer = MessageDeframer(messageBytesMax: 1000, windowBytes: 400)
        var input = framed([UInt8](repeating: 1, count: 500))
        var (credited, held) = (0, 0)
        while let part = input.readSlice(length: min(16, input.readableBytes)),
            part.readableBytes > 0
        {
            credited += try deframer.receive(part) { _, bytes in held += bytes }
        }
        // A quarter of the window is held, the rest of 505 bytes has made room for itself.
        #expect(held == 100 && credited == 405)
    }

    @Test("A message over the limit is refused by its length alone")
    func tooLarge() {
        var deframer = MessageDeframer(messageBytesMax: 10, windowBytes: 64)
        var announced = ByteBuffer()
        announced.writeMultipleIntegers(UInt8(0), UInt32(11))
        let error = #expect(throws: RPCError.self) {
            _ = try deframer.receive(announced) { _, _ in }
        }
        #expect(error?.code == .resourceExhausted)
    }

    @Test("A compressed message in a call without an encoding is INTERNAL", arguments: [1, 2, 255])
    func unannounced(flag: UInt8) {
        var deframer = MessageDeframer(messageBytesMax: 10, windowBytes: 64)
        let error = #expect(throws: RPCError.self) {
            _ = try deframer.receive(framed([1], flag: flag)) { _, _ in }
        }
        #expect(error?.code == .internalError)
    }

    @Test("A call with an encoding may compress any of its messages")
    func compressed() throws {
        var deframer = MessageDeframer(messageBytesMax: 10, windowBytes: 64)
        deframer.encoding = .gzip
        var input = framed([1], flag: 1)
        input.writeImmutableBuffer(framed([2], flag: 0))
        var areEncoded: [Bool] = []
        _ = try deframer.receive(input) { message, _ in areEncoded.append(message.isEncoded) }
        #expect(areEncoded == [true, false])
        #expect(throws: RPCError.self) {
            _ = try deframer.receive(framed([1], flag: 2)) { _, _ in }
        }
    }
}

@Suite("What a stream sends")
struct OutboxTests {
    /// What one frame of at most `limit` bytes takes, and whether the body ends with it.
    private func frame(
        of outbox: inout Outbox, limit: Int, fileBytesMax: Int = 0
    ) throws -> (bytes: [UInt8], file: FileSlice?, isLast: Bool) {
        var frame = DataFrame(limit: limit, memoryBytesMax: limit, fileBytesMax: fileBytesMax)
        guard case .plan(let plan) = outbox.fill(&frame) else { throw FileEnded() }
        let isLast = if case .last = plan { true } else { false }
        return (Array(frame.block.readableBytesView), frame.file, isLast)
    }

    private struct FileEnded: Error {}

    @Test(
        "Frames of any size add up to the messages, and the end comes with the last",
        arguments: [1, 3, 7, 1000])
    func frames(limit: Int) throws {
        var outbox = Outbox()
        outbox.append(MessageBytes([1, 2, 3] as [UInt8]))
        outbox.append(MessageBytes([4] as [UInt8]))
        outbox.finish(.streamEnd)
        var sent: [UInt8] = []
        var isLast = false
        while !isLast {
            let frame = try frame(of: &outbox, limit: limit)
            sent += frame.bytes
            isLast = frame.isLast
        }
        #expect(sent == [0, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 1, 4])
    }

    @Test("Without a message and without an end there is nothing to plan")
    func empty() {
        var (outbox, frame) = (
            Outbox(), DataFrame(limit: 10, memoryBytesMax: 10, fileBytesMax: 0)
        )
        guard case .plan(.deferred) = outbox.fill(&frame) else {
            Issue.record("an empty outbox plans a frame")
            return
        }
    }

    @Test("It is full above its mark, counting the bytes of files")
    func full() throws {
        try withFile([UInt8](repeating: 1, count: 300_000)) { file in
            var outbox = Outbox()
            outbox.append(
                MessageBytes(head: [], tail: FileSlice(file: file, offset: 0, count: 300_000)))
            #expect(outbox.isFull)
        }
    }

    @Test("A file's bytes follow the head of their message")
    func fileTail() throws {
        try withFile(Array(0..<100)) { file in
            var outbox = Outbox()
            outbox.append(
                MessageBytes(head: [255], tail: FileSlice(file: file, offset: 90, count: 5)))
            outbox.finish(.streamEnd)
            let frame = try frame(of: &outbox, limit: 100)
            #expect(frame.bytes == [0, 0, 0, 0, 6, 255, 90, 91, 92, 93, 94])
            #expect(frame.isLast)
        }
    }

    @Test("A large piece of a file is left to the kernel, behind the bytes before it")
    func largePiece() throws {
        try withFile([UInt8](repeating: 1, count: 300_000)) { file in
            var outbox = Outbox()
            outbox.append(
                MessageBytes(head: [9], tail: FileSlice(file: file, offset: 0, count: 300_000)))
            outbox.finish(.streamEnd)
            let first = try frame(of: &outbox, limit: 280_006, fileBytesMax: 1 << 20)
            #expect(first.bytes == [0, 0, 4, 0x93, 0xe1, 9])
            #expect(first.file?.offset == 0 && first.file?.count == 280_000 && !first.isLast)
            let second = try frame(of: &outbox, limit: 280_006, fileBytesMax: 1 << 20)
            // What is left is too little to be worth a call of its own.
            #expect(second.bytes == [UInt8](repeating: 1, count: 20_000))
            #expect(second.file == nil && second.isLast)
        }
    }

    @Test("A file that is shorter than was promised ends its stream", arguments: [0, 1 << 20])
    func shrunk(fileBytesMax: Int) throws {
        try withFile([UInt8](repeating: 1, count: 299_999)) { file in
            var outbox = Outbox()
            outbox.append(
                MessageBytes(head: [], tail: FileSlice(file: file, offset: 0, count: 300_000)))
            outbox.finish(.streamEnd)
            #expect(throws: FileEnded.self) {
                // By memory the bytes that are there go first.
                for _ in 0..<3 {
                    let frame = try frame(of: &outbox, limit: 300_005, fileBytesMax: fileBytesMax)
                    #expect(!frame.isLast)
                }
            }
        }
    }
}

@Suite("Metadata and status as header fields")
struct MetadataFieldsTests {
    @Test(
        "A status message survives as printable ASCII",
        arguments: ["", "plain", "100 %", "ñandú\n", "\u{1F600}", "%zz"])
    func percentCoding(text: String) {
        let encoded = MetadataFields.percentEncoded(text)
        #expect(encoded.utf8.allSatisfy { (0x20...0x7e).contains($0) })
        #expect(MetadataFields.percentDecoded(encoded) == text)
    }

    @Test("What is no escape stays as it is", arguments: ["%", "%4", "%zz", "a%"])
    func lenient(text: String) {
        #expect(MetadataFields.percentDecoded(text) == text)
    }

    @Test("Reserved and pseudo fields of an application are not sent")
    func reserved() {
        let fields = MetadataFields.fields(of: [
            ":path": "/x", "te": "gzip", "grpc-status": "0", "Key": "v", "b-bin": .binary([0, 1]),
        ])
        #expect(fields == [HeaderField("key", "v"), HeaderField("b-bin", "AAE")])
    }

    @Test("Binary values are taken padded, unpadded and joined by commas")
    func binary() {
        let metadata = MetadataFields.metadata(of: [
            HeaderField("a-bin", "AAE="), HeaderField("a-bin", "AAE"),
            HeaderField("a-bin", "AA==, AQI,,/w"), HeaderField("text", "a,b"),
        ])
        #expect(Array(metadata[binaryValues: "a-bin"]) == [[0, 1], [0, 1], [0], [1, 2], [255]])
        #expect(Array(metadata[stringValues: "text"]) == ["a,b"])
    }

    @Test("What cannot be sent is told, and never sent", arguments: ["a b", "ñ", "a\nb", ""])
    func illegal(name: String) {
        var metadata = Metadata()
        metadata.addString("value", forKey: name)
        #expect(throws: RPCError.self) { try MetadataFields.check(metadata) }
        #expect(MetadataFields.fields(of: metadata) == [])
        let split: Metadata = ["key": "value\r\ngrpc-status: 0"]
        #expect(throws: RPCError.self) { try MetadataFields.check(split) }
        #expect(MetadataFields.fields(of: split) == [])
    }

    @Test("Without grpc-status the HTTP status decides")
    func httpStatus() {
        for (http, code) in [
            ("401", Status.Code.unauthenticated), ("404", .unimplemented), ("503", .unavailable),
            ("500", .unknown),
        ] {
            #expect(MetadataFields.status(of: [HeaderField(":status", http)]).code == code)
        }
    }
}

private final class TestFile: OpenFileDescriptor {
    let descriptor: SystemPackage.FileDescriptor

    init(_ descriptor: SystemPackage.FileDescriptor) {
        self.descriptor = descriptor
    }
}

/// Runs `body` with an open file of that content, which has no name any more.
private func withFile(_ content: [UInt8], _ body: (TestFile) throws -> Void) throws {
    let path = FilePath("/tmp/grpc-nghttp2-\(UInt64.random(in: 0 ... .max))")
    let descriptor = try SystemPackage.FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    try descriptor.closeAfter {
        unlink(path.string)
        try descriptor.writeAll(content)
        try body(TestFile(descriptor))
    }
}
