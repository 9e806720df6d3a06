import GRPCCore
import NIOCore

/// The bytes of one message: in memory, or a head in memory and the rest in a file.
///
/// The transport's ``GRPCContiguousBytes``. A serializer that knows this type (`Bytes.self ==
/// MessageBytes.self`) can name a ``FileSlice`` as the message's tail, whose bytes go from the file to
/// the socket's buffer without passing through the program's own memory.
package struct MessageBytes: GRPCContiguousBytes, Sendable {
    package private(set) var head: ByteBuffer
    package private(set) var tail: FileSlice?
    var compression = Compression.ofCall

    package init(_ buffer: ByteBuffer) {
        head = buffer
    }

    /// - Parameters:
    ///   - head: The message up to its payload, for protobuf: other fields, then the payload's tag and
    ///     length.
    ///   - tail: The payload, the message's last field.
    package init(head: [UInt8], tail: FileSlice) {
        self.head = ByteBuffer(bytes: head)
        self.tail = tail
    }

    package init(repeating byte: UInt8, count: Int) {
        head = ByteBuffer(repeating: byte, count: count)
    }

    package init<Bytes: Sequence>(_ sequence: Bytes) where Bytes.Element == UInt8 {
        head = ByteBuffer(bytes: sequence)
    }

    package var count: Int {
        head.readableBytes + (tail?.count ?? 0)
    }

    package func withUnsafeBytes<R>(
        _ body: (UnsafeRawBufferPointer) throws -> R
    ) rethrows -> R {
        try inMemory().withUnsafeReadableBytes(body)
    }

    package mutating func withUnsafeMutableBytes<R>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> R
    ) rethrows -> R {
        head = inMemory()
        tail = nil
        return try head.withUnsafeMutableReadableBytes(body)
    }

    /// The whole message as one buffer. For readers that cannot take a file, such as a transport that
    /// runs inside the process; a file that has become shorter gives a shorter message there.
    private func inMemory() -> ByteBuffer {
        guard var tail else { return head }
        var whole = head
        _ = tail.read(tail.count, into: &whole)
        return whole
    }
}
