import NIOCore

/// JSON written piece by piece (RFC 8259), for answers that are long, or asked for thousands of
/// times a second.
struct JSONText {
    private static let digits = Array("0123456789abcdef".utf8)

    private(set) var buffer = ByteBuffer()

    /// Writes what is JSON, or a part of it, already.
    mutating func raw(_ text: String) {
        buffer.writeString(text)
    }

    mutating func string(_ text: String) {
        buffer.writeInteger(UInt8(ascii: "\""))
        if text.utf8.contains(where: Self.isEscaped) {
            for byte in text.utf8 { escape(byte) }
        } else {
            buffer.writeString(text)
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// `,"NAME":"TEXT"`, or nothing.
    mutating func member(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        buffer.writeString(",\"\(name)\":")
        string(text)
    }

    /// `,"NAME":NUMBER`, or nothing.
    mutating func member(_ name: StaticString, _ number: Int64?) {
        if let number { buffer.writeString(",\"\(name)\":\(number)") }
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        if byte < 0x20 {
            buffer.writeString("\\u00")
            buffer.writeInteger(Self.digits[Int(byte >> 4)])
            buffer.writeInteger(Self.digits[Int(byte & 15)])
        } else {
            if Self.isEscaped(byte) { buffer.writeInteger(UInt8(ascii: "\\")) }
            buffer.writeInteger(byte)
        }
    }
}
