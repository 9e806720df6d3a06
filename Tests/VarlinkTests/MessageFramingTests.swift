import Testing

@testable import Varlink

@Suite("Message framing")
struct MessageFramingTests {
    private var framing = MessageFraming(bytesMax: 8, descriptorsMax: 2)

    private func file() throws -> OwnedDescriptor {
        try temporaryFile(holding: "x")
    }

    @Test("A message ends at its NUL, wherever the reads were cut", arguments: 1...7)
    mutating func cuts(size: Int) throws {
        let stream = Array("{}\0{12}\0".utf8)
        var messages: [String] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            try framing.append(Array(stream[start..<min(start + size, stream.count)]))
            while let message = framing.next() {
                messages.append(String(decoding: message.bytes, as: UTF8.self))
            }
        }
        #expect(messages == ["{}", "{12}"])
        #expect(framing.isBetweenMessages)
    }

    @Test("Descriptors belong to the message that holds the last byte of their read")
    mutating func descriptorsOfLastByte() throws {
        try framing.append(Array("{1}\0{2}\0".utf8), descriptors: [try file()])
        #expect(framing.next()?.descriptors.count == 0)
        #expect(framing.next()?.descriptors.count == 1)
        try framing.append(Array("{3}\0{4".utf8), descriptors: [try file()])
        try framing.append(Array("}\0".utf8))
        #expect(framing.next()?.descriptors.count == 0)
        #expect(framing.next()?.descriptors.count == 1)
    }

    @Test("A message of the limit is taken, one byte more is not, complete or growing")
    mutating func bytesLimit() throws {
        try framing.append(Array("12345678\0".utf8))
        #expect(framing.next()?.bytes.count == 8)
        var growing = framing
        #expect(throws: FramingError.messageTooLong(limit: 8)) {
            try growing.append(Array("123456789".utf8))
        }
        #expect(throws: FramingError.messageTooLong(limit: 8)) {
            try framing.append(Array("123456789\0".utf8))
        }
    }

    @Test("Descriptors beyond the limit are refused, also when they come one by one")
    mutating func descriptorLimit() throws {
        try framing.append(Array("{".utf8), descriptors: [try file()])
        try framing.append(Array("1".utf8), descriptors: [try file()])
        #expect(throws: FramingError.tooManyDescriptors(limit: 2)) {
            try framing.append(Array("}".utf8), descriptors: [try file()])
        }
    }

    @Test("Bytes without their NUL are no message yet")
    mutating func partial() throws {
        try framing.append(Array("{}".utf8))
        #expect(framing.next() == nil)
        #expect(!framing.isBetweenMessages)
    }
}

extension Message: Equatable {
    public static func == (left: Message, right: Message) -> Bool {
        left.bytes == right.bytes
    }
}

@Suite("Interface descriptions")
struct InterfaceDescriptionTests {
    @Test("Name and methods are read off the text, comments and types are not")
    func reading() throws {
        let description = try #require(
            InterfaceDescription(
                """
                # method NotOne() -> ()
                interface org.example.A
                type method_like (method: string)
                method One() -> ()
                method Two(
                  method: string
                ) -> (interface: string)
                error Three ()
                """))
        #expect(description.name == "org.example.A")
        #expect(description.methods == ["One", "Two"])
    }

    @Test("A text without an interface is none")
    func nameless() {
        #expect(InterfaceDescription("method One() -> ()") == nil)
    }
}
