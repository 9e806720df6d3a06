import GRPCCore
import GRPCNghttp2
import GRPCProtobuf
import NIOCore
import PeerWire

/// The payload of a `p2p.v1.DownloadReply`, as it lies in the connection's read buffers.
struct DownloadedBytes: Sendable {
    let buffers: [ByteBuffer]
}

/// Takes the payload out of a message without a copy, where the sender put it last, as ours do; else
/// as protobuf says.
struct DownloadedBytesDeserializer: MessageDeserializer {
    /// Field 15, length-delimited (protobuf.dev, "Encoding"): peer.proto.
    private static let payloadTag: UInt64 = 15 << 3 | 2

    func deserialize<Bytes: GRPCContiguousBytes>(_ message: Bytes) throws -> DownloadedBytes {
        if let own = message as? MessageBytes, let payload = Self.payload(of: own) {
            return payload
        }
        let reply = try ProtobufDeserializer<P2p_V1_DownloadReply>().deserialize(message)
        return DownloadedBytes(buffers: [ByteBuffer(bytes: reply.data)])
    }

    /// - Returns: nil where the message begins with anything else than integers and a payload to its end.
    private static func payload(of message: MessageBytes) -> DownloadedBytes? {
        var buffers = message.pieces
        guard var head = buffers.first else { return nil }
        while let tag = varint(&head) {
            if tag == payloadTag {
                guard let count = varint(&head) else { return nil }
                buffers[0] = head
                let rest = buffers.reduce(0) { $0 + $1.readableBytes }
                return count == rest ? DownloadedBytes(buffers: buffers) : nil
            }
            guard tag & 7 == 0, varint(&head) != nil else { return nil }
        }
        return nil
    }

    /// - Returns: nil where there is none, or it goes on in the next buffer.
    private static func varint(_ buffer: inout ByteBuffer) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let byte: UInt8 = buffer.readInteger() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
