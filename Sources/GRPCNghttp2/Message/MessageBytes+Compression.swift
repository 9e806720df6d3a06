import GRPCCore
import NIOCore

extension MessageBytes {
    /// Whether a sender may compress this message; true unless its serializer says no, which it does
    /// for content that is compressed already.
    package var mayBeCompressed: Bool {
        get { compression != .never }
        set { compression = newValue ? .ofCall : .never }
    }

    /// Whether a message that was received was compressed on its way.
    package var wasCompressed: Bool { compression == .removed }

    /// Whether the bytes are compressed now, as the wire has them.
    var isEncoded: Bool { compression == .applied }

    enum Compression: Sendable {
        /// As the call's encoding says.
        case ofCall
        case never
        case applied
        case removed
    }

    /// Compressed, where that is allowed and makes it shorter.
    ///
    /// A file's bytes stay as they are: they are sent without being looked at.
    func encoded() -> MessageBytes {
        guard mayBeCompressed, !isEncoded, tail == nil, let shorter = Gzip.compress(joined()) else {
            return self
        }
        var encoded = MessageBytes(shorter)
        encoded.compression = .applied
        return encoded
    }

    /// - Parameter limit: Most bytes that the message may have then.
    /// - Throws: RESOURCE_EXHAUSTED over the limit, INTERNAL for what is no gzip.
    func decoded(limit: Int) throws(RPCError) -> MessageBytes {
        do {
            var decoded = MessageBytes(try Gzip.decompress(joined(), limit: limit))
            decoded.compression = .removed
            return decoded
        } catch {
            switch error {
            case .tooLarge(let limit):
                throw RPCError(
                    code: .resourceExhausted,
                    message: "message of more than \(limit) bytes once it was decompressed")
            case .damaged:
                throw RPCError(
                    code: .internalError, message: "a compressed message is no whole gzip")
            }
        }
    }
}
