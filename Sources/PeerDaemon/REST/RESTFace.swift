import FoundationEssentials
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

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
    /// nil: this peer is none.
    let directory: DirectoryFace?

    /// - Parameters:
    ///   - directory: The role, where this daemon has it.
    ///   - limiter: Shared with the gRPC face.
    ///   - metrics: What `GET /metrics` answers.
    ///   - fileBytesSent: Told of every part of a file that was handed to the network, in bytes.
    package init(
        node: some Node, directory: DirectoryRole? = nil, limiter: ClientLimiter,
        metrics: @escaping MetricsText, logger: Logger,
        fileBytesSent: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.node = node
        self.limiter = limiter
        self.metrics = metrics
        self.logger = logger
        self.fileBytesSent = fileBytesSent
        self.directory = directory.map(DirectoryFace.init)
    }

    /// Limits of header fields and of time, for ``HTTPListener``.
    static func channelConfiguration(_ limits: HeadLimits = .peer) -> HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: handlers(limits),
            idleTimeout: Bounds.idleTimeout,
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: limits.fieldBytesMax,
                maxHeaderListSize: limits.listBytesMax,
                maxHeaderFieldCount: limits.fieldsMax))
    }
}

extension RESTFace {
    /// Of one connection.
    private static func handlers(_ limits: HeadLimits) -> [any RemovableChannelHandler] {
        var handlers: [any RemovableChannelHandler] = [
            StalledReaderHandler(timeout: Bounds.idleTimeout, lingering: Bounds.lingerTimeout),
            RefusedRequestHandler(limits: limits),
        ]
        if let budget = limits.budget { handlers.append(HeadBudgetHandler(budget: budget)) }
        return handlers
    }
}

/// How large the head of a request may be.
struct HeadLimits: Sendable {
    /// The request line is a field, too.
    let fieldBytesMax: Int
    let listBytesMax: Int
    let fieldsMax = 100
    /// Of all connections together.
    var budget: HeadBudget?

    /// A path of 4096 characters, percent-encoded.
    static let peer = HeadLimits(fieldBytesMax: 64 << 10, listBytesMax: 80 << 10)
    /// The original's peers send their lists in the query: some 10,000 files of usual names. More
    /// of them log in by `/v1/directory/`, where nothing large is read for a stranger.
    static let directory = HeadLimits(
        fieldBytesMax: 1 << 20, listBytesMax: (1 << 20) + (16 << 10),
        budget: HeadBudget(bytes: 64 << 20, freeBytes: peer.fieldBytesMax))
}

/// What a responder knows of a request besides itself.
struct RESTContext: InitializableFromSource {
    let channel: any Channel
    /// Names the request in the log.
    let requestID = String(
        Self.idStart &+ Self.idCount.add(1, ordering: .relaxed).newValue, radix: 16)
    /// Carries the name.
    let logger: Logger

    /// Random, so that the names of two daemons, or of one before and after a restart, differ.
    private static let idStart = UInt64.random(in: 0 ... .max)
    private static let idCount = Atomic<UInt64>(0)

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
