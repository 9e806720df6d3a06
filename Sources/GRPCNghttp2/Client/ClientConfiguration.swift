import GRPCCore

/// How a client transport connects, and what it takes from its server.
package struct ClientConfiguration: Sendable {
    /// How long one address may take to answer, and then to agree on TLS.
    package var connectTimeout: Duration = .seconds(3)
    /// When a server that could not be reached is tried again: until then, calls fail with the last
    /// attempt's reason. nil: every call tries.
    package var backoff: ConnectionBackoff? = ConnectionBackoff()
    /// nil: plaintext.
    package var security: TransportSecurity?
    /// What `:authority` says, and the name that the server's certificate must have; nil for the target's.
    package var authority: String?
    /// Largest message that is accepted, in bytes; a call's options may say another.
    package var messageBytesMax = 4 * 1024 * 1024
    /// Largest message that is sent, in bytes; a call's options may say another. The default is what the
    /// protocol's length field says.
    package var sentMessageBytesMax = Int(UInt32.max)
    /// What requests are compressed with, `gzip` or `none`; a call's options may say another. Compressed
    /// responses are always taken.
    package var compression = CompressionAlgorithm.none
    /// What one call may receive before it is read, in bytes; several bandwidth-delay products of a
    /// local network. Raising it costs memory for each slow reader.
    package var streamWindowBytes: Int32 = 2 * 1024 * 1024

    /// When to ask whether the server is still there; nil: never. A server that finds it too often
    /// makes this client wait twice as long from then on.
    package var keepalive: KeepaliveSettings?
    /// Largest frame that is accepted, in bytes (SETTINGS_MAX_FRAME_SIZE): a message of 1 MiB and what
    /// goes with it. Lowering it to 16 KiB, the least, halves the speed of a download.
    package var frameBytesMax: UInt32 = 1 << 20 | 4 << 10

    package init() {}

    var sessionLimits: HTTP2Session.Limits {
        HTTP2Session.Limits(
            streamsMax: 0, streamWindowBytes: streamWindowBytes,
            connectionWindowBytes: 16 * 1024 * 1024, frameBytesMax: frameBytesMax,
            headerBytesMax: 64 * 1024, headerFieldsMax: 128)
    }

    func messageLimits(_ options: CallOptions) -> MessageLimits {
        MessageLimits(
            receivedBytesMax: options.maxResponseMessageBytes ?? messageBytesMax,
            sentBytesMax: min(
                options.maxRequestMessageBytes ?? sentMessageBytesMax, Int(UInt32.max)),
            windowBytes: Int(streamWindowBytes))
    }
}
