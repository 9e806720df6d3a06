import GRPCCore
import NIOCore

/// The bytes of one message: in memory, in one piece or as they came, or a head in memory and the rest
/// in a file.
///
/// The transport's ``GRPCContiguousBytes``. A serializer that knows this type (`Bytes.self ==
/// MessageBytes.self`) can name a ``FileSlice`` as the message's tail, whose bytes go from the file to
/// the socket without passing through the program's own memory. A deserializer that knows it can take
/// a received message as the ``pieces`` of the connection's read buffers, which no one has copied.
package struct MessageBytes: GRPCContiguousBytes, Sendable {
    package private(set) var head: ByteBuffer
    /// What follows the head of a message that came in several pieces.
    private var more: [ByteBuffer] = []
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

    /// - Parameter pieces: The message's bytes in order.
    init(pieces: [ByteBuffer]) {
        head = pieces.first ?? ByteBuffer()
        more = Array(pieces.dropFirst())
    }

    package var count: Int {
        more.reduce(head.readableBytes + (tail?.count ?? 0)) { $0 + $1.readableBytes }
    }

    /// The bytes that are in memory, in order, as they were received. Each keeps the read buffer that
    /// it is a part of: hold them for as long as it takes to use them.
    package var pieces: [ByteBuffer] { [head] + more }

    package func withUnsafeBytes<R>(
        _ body: (UnsafeRawBufferPointer) throws -> R
    ) rethrows -> R {
        try joined().withUnsafeReadableBytes(body)
    }

    package mutating func withUnsafeMutableBytes<R>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> R
    ) rethrows -> R {
        head = joined()
        more = []
        tail = nil
        return try head.withUnsafeMutableReadableBytes(body)
    }

    /// The whole message as one buffer, copied where it is in several pieces. A transport that runs inside
    /// the process reads a file this way; one that has become shorter gives a shorter message there.
    package func joined() -> ByteBuffer {
        guard !more.isEmpty || tail != nil else { return head }
        var whole = head
        whole.reserveCapacity(count)
        for piece in more { whole.writeImmutableBuffer(piece) }
        if let tail { tail.readAll(into: &whole) }
        return whole
    }
}
