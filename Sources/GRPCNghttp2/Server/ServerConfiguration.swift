import GRPCCore
import NIOCore

/// What a server transport listens on, and the bounds that it holds its clients to.
package struct ServerConfiguration: Sendable {
    package enum Listener: Sendable {
        /// A Unix socket that another process left behind is replaced.
        case address(SocketAddress)
        /// A listening socket that somebody else opened (systemd's socket activation); owned from here on.
        case inherited(descriptor: CInt)
    }

    package var listeners: [Listener]
    /// nil: plaintext.
    package var security: TransportSecurity?
    /// How long a client may take for the TLS handshake.
    package var handshakeTimeout: Duration = .seconds(10)
    /// Connections at once; further ones are closed when they are accepted.
    package var connectionsMax = 1024
    /// Calls at once on a connection; a client waits with further ones.
    package var streamsMax: UInt32 = 100
    /// What one call may send before its handler reads it, in bytes.
    package var streamWindowBytes: Int32 = 256 * 1024
    /// Largest message that is accepted, in bytes.
    package var messageBytesMax = 4 * 1024 * 1024
    /// Largest message that is sent, in bytes; the default is what the protocol's length field says.
    package var sentMessageBytesMax = Int(UInt32.max)
    /// What responses are compressed with for callers that accept it; `gzip`, or `none`. Compressing
    /// takes the event loop's time: some 20 ms for a message of 1 MiB. Compressed requests are
    /// always taken.
    package var compression = CompressionAlgorithm.none
    /// Connections that wait to be accepted.
    package var backlog: Int32 = 256

    /// How much of what costs a client nothing it may send.
    package var conduct = ConductLimits()
    /// Told what a client did when its connection ends for it, or one of its streams; on the event loop.
    package var onMisconduct: (@Sendable (Misconduct, SocketAddress?) -> Void)?
    /// When to ask whether a client is still there; nil: never.
    package var keepalive: KeepaliveSettings? = KeepaliveSettings(
        time: .seconds(7200), withoutCalls: true)
    /// How often clients may ask whether this server is.
    package var permittedPings = PermittedPings()
    /// How old a connection may become; nil: any age.
    package var connectionAge: ConnectionAge?
    /// How long a connection may be without calls before it is ended in order; nil: for ever.
    package var connectionIdleMax: Duration?

    package init(listeners: [Listener]) {
        self.listeners = listeners
    }

    var keeping: ConnectionKeeper.Settings {
        ConnectionKeeper.Settings(
            keepalive: keepalive, permittedPings: permittedPings, age: connectionAge,
            idleMax: connectionIdleMax)
    }

    var messageLimits: MessageLimits {
        MessageLimits(
            receivedBytesMax: messageBytesMax, sentBytesMax: sentMessageBytesMax,
            windowBytes: Int(streamWindowBytes))
    }

    var sessionLimits: HTTP2Session.Limits {
        HTTP2Session.Limits(
            streamsMax: streamsMax, streamWindowBytes: streamWindowBytes,
            connectionWindowBytes: 4 * 1024 * 1024, frameBytesMax: 64 * 1024,
            headerBytesMax: 64 * 1024, headerFieldsMax: 128, conduct: conduct)
    }
}
