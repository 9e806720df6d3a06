import FoundationEssentials
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

// The REST face: SEED-API.md section B over HTTP/1.1, on Hummingbird, and nothing of its own: it
// asks a `Node`, and says in HTTP and JSON what that answered. openapi.json describes it. May not
// import full Foundation.

/// The public REST API of this peer.
///
/// Bounds: ``Bounds``. A client is not waited for longer than they say, in any state.
package struct RESTFace: Sendable {
    /// Prometheus text for a request whose `Accept` is `accept`.
    package typealias MetricsText =
        @Sendable (_ accept: String?) async -> (contentType: String, body: [UInt8])

    /// Where each limit comes from is a guess unless it says otherwise.
    enum Bounds {
        static let requestBodyBytesMax = 64 * 1024
        /// For the whole body, from its head on.
        static let requestBodyTimeout = TimeAmount.seconds(30)
        /// The request line is one, too: it holds a path of 4096 characters, percent-encoded.
        static let headerFieldBytesMax = 64 * 1024
        static let headerListBytesMax = 80 * 1024
        static let headerFieldsMax = 100
        /// Without a complete request head, or without having taken a part of an answer.
        static let idleTimeout = TimeAmount.seconds(60)
        /// What is still read of a request that was answered unread, so that the answer is not
        /// lost in a reset (RFC 9112 §9.6), and for how long.
        static let lingerBytesMax = 1024 * 1024
        static let lingerTimeout = TimeAmount.seconds(10)
        /// Larger ones make the bulk of a download faster, smaller ones its memory smaller.
        static let fileBufferBytes = 256 * 1024
        static let filesListedMax = 10_000
        static let filesPageSize = 500
        static let queryBytesMax = 1024
        static let ttlMax = 16
        static let fanoutMax = 1000
        /// Of one answer to a search: files, and bytes of their paths.
        static let filesFoundMax = 10_000
        static let pathBytesFoundMax = 4 * 1024 * 1024
    }

    let node: any Node
    let limiter: ClientLimiter
    let metrics: MetricsText
    let fileBytesSent: @Sendable (Int) -> Void
    let logger: Logger

    /// - Parameters:
    ///   - limiter: Shared with the gRPC face.
    ///   - metrics: What `GET /metrics` answers.
    ///   - fileBytesSent: Told of every part of a file that was handed to the network, in bytes.
    package init(
        node: some Node, limiter: ClientLimiter, metrics: @escaping MetricsText, logger: Logger,
        fileBytesSent: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.node = node
        self.limiter = limiter
        self.metrics = metrics
        self.logger = logger
        self.fileBytesSent = fileBytesSent
    }

    /// Limits of header fields and of time, for ``HTTPListener``.
    static var channelConfiguration: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                StalledReaderHandler(timeout: Bounds.idleTimeout, lingering: Bounds.lingerTimeout),
                RefusedRequestHandler(),
            ],
            idleTimeout: Bounds.idleTimeout,
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: Bounds.headerFieldBytesMax,
                maxHeaderListSize: Bounds.headerListBytesMax,
                maxHeaderFieldCount: Bounds.headerFieldsMax))
    }
}

/// What a responder knows of a request besides itself.
struct RESTContext: InitializableFromSource {
    let channel: any Channel
    /// Names the request in the log.
    let requestID = String(UInt64.random(in: 0 ... .max), radix: 16)
    /// Carries the name.
    let logger: Logger

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        var logger = source.logger
        logger[metadataKey: "request_id"] = "\(requestID)"
        self.logger = logger
    }
}

extension HTTPDate {
    static var now: HTTPDate {
        HTTPDate(seconds: Int64(Date.now.timeIntervalSince1970.rounded(.down)))
    }
}
