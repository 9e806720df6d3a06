import GRPCCore
import NIOCore

/// Cuts a stream's data into messages: a flag byte, a big-endian `UInt32` length, that many bytes
/// (gRPC over HTTP/2, "Length-Prefixed-Message").
struct MessageDeframer {
    static let prefixBytes = 5

    /// Largest accepted message, in bytes.
    let messageBytesMax: Int
    /// The encoding that the other side named; a compressed message needs one.
    var encoding = MessageEncoding.identity
    private var pending = ByteBuffer()

    init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
    }

    /// True when no part of a message is held: the stream may end here.
    var isAtBoundary: Bool { pending.readableBytes == 0 }

    /// Takes `bytes` in and delivers every message that they complete, each with the bytes of flow
    /// control that are to be credited when it is taken.
    ///
    /// - Returns: Bytes to credit at once. Those of an incomplete message are: nobody can take it yet,
    ///   and a message may be larger than the window. They are bounded by `messageBytesMax`.
    /// - Throws: RESOURCE_EXHAUSTED for a message over the limit, INTERNAL for a compressed one of a call
    ///   that named no encoding.
    mutating func receive(
        _ bytes: ByteBuffer, deliver: (MessageBytes, Int) -> Void
    ) throws(RPCError) -> Int {
        var uncredited = bytes.readableBytes
        append(bytes)
        while let message = try next() {
            let held = min(uncredited, Self.prefixBytes + message.head.readableBytes)
            uncredited -= held
            deliver(message, held)
        }
        return uncredited
    }

    mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            var bytes = bytes
            pending.writeBuffer(&bytes)
        }
    }

    /// The next whole message, or nil until more has come.
    ///
    /// - Throws: As ``receive(_:deliver:)``.
    mutating func next() throws(RPCError) -> MessageBytes? {
        guard
            let (flag, length) = pending.peekMultipleIntegers(as: (UInt8, UInt32).self)
        else { return nil }
        guard flag == 0 || flag == 1 && encoding == .gzip else {
            throw RPCError(
                code: .internalError,
                message: "message with flag \(flag) in a call with encoding \(encoding.rawValue)")
        }
        guard length <= messageBytesMax else {
            throw RPCError(
                code: .resourceExhausted,
                message: "message of \(length) bytes, at most \(messageBytesMax) are accepted")
        }
        guard pending.readableBytes >= Self.prefixBytes + Int(length) else {
            // Grow once to the message's size instead of doubling towards it.
            pending.reserveCapacity(
                minimumWritableBytes: Self.prefixBytes + Int(length) - pending.readableBytes)
            return nil
        }
        pending.moveReaderIndex(forwardBy: Self.prefixBytes)
        guard let bytes = pending.readSlice(length: Int(length)) else { return nil }
        var message = MessageBytes(bytes)
        if flag == 1 { message.compression = .applied }
        if pending.readableBytes == 0 {
            pending = ByteBuffer()
        } else if pending.readerIndex > 1 << 20 {
            // A slice that begins past 16 MiB is copied by ByteBuffer; do not let the index get there.
            pending.discardReadBytes()
        }
        return message
    }
}
