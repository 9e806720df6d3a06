import GRPCCore
import NIOCore

/// Cuts a stream's data into messages: a flag byte, a big-endian `UInt32` length, that many bytes
/// (gRPC over HTTP/2, "Length-Prefixed-Message").
///
/// Large messages are not copied: they are handed on as the pieces of the read buffers that they came in.
struct MessageDeframer {
    static let prefixBytes = 5

    /// Largest accepted message, in bytes.
    let messageBytesMax: Int
    /// The encoding that the other side named; a compressed message needs one.
    var encoding = MessageEncoding.identity
    /// Bytes of a message that are not credited before it is taken.
    private let heldBytesMax: Int
    /// The part of a prefix that has come.
    private var prefix = ByteBuffer()
    /// The message that is arriving.
    private var current: Arriving?

    private struct Arriving {
        private(set) var pieces: [ByteBuffer] = []
        /// Bytes that are still to come.
        private(set) var missing: Int
        /// Bytes that came and are credited when the message is taken.
        private(set) var held = MessageDeframer.prefixBytes
        /// Bytes that may still be credited on arrival.
        private var early: Int
        /// Whether the last piece is a buffer of this message alone.
        private var endsWithOwn = false

        private let isEncoded: Bool

        init(_ prefix: (flag: UInt8, length: UInt32), heldBytesMax: Int) {
            missing = Int(prefix.length)
            isEncoded = prefix.flag == 1
            early = max(0, missing + MessageDeframer.prefixBytes - heldBytesMax)
        }

        func message(_ pieces: [ByteBuffer]) -> MessageBytes {
            var message = MessageBytes(pieces: pieces)
            if isEncoded { message.compression = .applied }
            return message
        }

        /// Counts `bytes` that came.
        ///
        /// - Returns: How many of them to credit at once.
        mutating func count(_ bytes: Int) -> Int {
            let credited = min(bytes, early)
            early -= credited
            held += bytes - credited
            missing -= bytes
            return credited
        }

        /// Small pieces are gathered in one buffer: what is kept for each would be many times its bytes.
        mutating func append(_ piece: ByteBuffer) {
            let isSmall = piece.readableBytes < MessageDeframer.gatheredBytesMax
            if isSmall, endsWithOwn {
                pieces[pieces.count - 1].writeImmutableBuffer(piece)
            } else {
                pieces.append(isSmall ? ByteBuffer(bytes: piece.readableBytesView) : piece)
                endsWithOwn = isSmall
            }
        }
    }

    /// - Parameter windowBytes: The stream's flow-control window. A quarter of it is held back for each
    ///   message until it is taken: the sender is told of credit when half of the window is there.
    init(messageBytesMax: Int, windowBytes: Int) {
        self.messageBytesMax = messageBytesMax
        heldBytesMax = windowBytes / 4
    }

    /// True when no part of a message is held: the stream may end here.
    var isAtBoundary: Bool { prefix.readableBytes == 0 && current == nil }

    /// Takes `bytes` in and delivers every message that they complete, each with the bytes of flow
    /// control that are to be credited when it is taken.
    ///
    /// - Returns: Bytes to credit at once: those by which a message is larger than what is held back. It
    ///   may be larger than the window, and nobody can take it before it is whole.
    /// - Throws: RESOURCE_EXHAUSTED for a message over the limit, INTERNAL for a compressed one of a call
    ///   that named no encoding.
    mutating func receive(
        _ bytes: ByteBuffer, deliver: (MessageBytes, Int) -> Void
    ) throws(RPCError) -> Int {
        var (bytes, credited) = (bytes, 0)
        while let (message, held) = try next(from: &bytes, &credited) { deliver(message, held) }
        return credited
    }

    /// The next message that `bytes` complete, with what is held for it, or nil until more has come; all
    /// of them are taken then.
    private mutating func next(
        from bytes: inout ByteBuffer, _ credited: inout Int
    ) throws(RPCError) -> (MessageBytes, Int)? {
        if current == nil {
            guard let prefix = try readPrefix(from: &bytes) else { return nil }
            current = Arriving(prefix, heldBytesMax: heldBytesMax)
        }
        guard var arriving = current.take() else { return nil }
        let piece = bytes.readSlice(length: min(arriving.missing, bytes.readableBytes))
        credited += arriving.count(piece?.readableBytes ?? 0)
        if arriving.pieces.isEmpty, arriving.missing == 0 {
            return (arriving.message([Self.unbound(piece ?? ByteBuffer())]), arriving.held)
        }
        if let piece, piece.readableBytes > 0 { arriving.append(piece) }
        guard arriving.missing == 0 else {
            current = arriving
            return nil
        }
        return (arriving.message(arriving.pieces), arriving.held)
    }

    /// Takes a message's prefix, which may be cut anywhere.
    ///
    /// - Returns: nil when the prefix is not all there.
    private mutating func readPrefix(from bytes: inout ByteBuffer) throws(RPCError) -> Prefix? {
        if prefix.readableBytes == 0, let whole = Self.readPrefix(&bytes) {
            return try checked(whole)
        }
        let missing = min(Self.prefixBytes - prefix.readableBytes, bytes.readableBytes)
        if var part = bytes.readSlice(length: missing) { prefix.writeBuffer(&part) }
        guard let whole = Self.readPrefix(&prefix) else { return nil }
        prefix = ByteBuffer()
        return try checked(whole)
    }

    private typealias Prefix = (flag: UInt8, length: UInt32)

    private static func readPrefix(_ bytes: inout ByteBuffer) -> Prefix? {
        bytes.readMultipleIntegers(as: (UInt8, UInt32).self)
    }

    private func checked(_ prefix: Prefix) throws(RPCError) -> Prefix {
        guard prefix.flag == 0 || prefix.flag == 1 && encoding == .gzip else {
            throw RPCError(
                code: .internalError,
                message: "message with flag \(prefix.flag) in a call with encoding "
                    + encoding.rawValue)
        }
        guard prefix.length <= messageBytesMax else {
            throw RPCError(
                code: .resourceExhausted,
                message:
                    "message of \(prefix.length) bytes, at most \(messageBytesMax) are accepted")
        }
        return prefix
    }

    /// A slice keeps all of its read buffer, so a small message is copied out of a large buffer: a peer
    /// that sends small ones which nobody takes would hold many times what it has credit for.
    private static func unbound(_ message: ByteBuffer) -> ByteBuffer {
        guard message.readableBytes < message.storageCapacity / 4 else { return message }
        return ByteBuffer(bytes: message.readableBytesView)
    }

    /// A piece below this size is copied: it costs less than what is kept for a slice (guess).
    private static let gatheredBytesMax = 4 * 1024
}
