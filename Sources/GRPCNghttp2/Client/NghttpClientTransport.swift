import GRPCCore
import Locking
import NIOCore

/// A gRPC client transport: one connection to one server, opened by the first call and again when lost.
///
/// A call fails with UNAVAILABLE when there is no connection within the connect timeout, or when the last
/// attempt failed and it is too early for another one. One whose options say `waitForReady` waits for a
/// connection until its deadline, through any number of attempts.
package final class NghttpClientTransport: ClientTransport {
    package typealias Bytes = MessageBytes

    private enum Phase {
        case idle
        case connecting(EventLoopFuture<ClientConnection>)
        case ready(ClientConnection)
        case shutDown
    }

    private struct State {
        var phase = Phase.idle
        /// Attempts that failed since the last that did not.
        var failures = 0
        /// What calls are told until another attempt is made.
        var refusal: (until: ContinuousClock.Instant, error: RPCError)?
        var connector: ClientConnector
    }

    private let target: ConnectionTarget
    private let eventLoop: any EventLoop
    private let configuration: ClientConfiguration
    private let state: Locked<State>
    private let ended: EventLoopPromise<Void>

    package let retryThrottle: RetryThrottle? = nil

    /// Runs tasks on the connection's event loop. A consumer that does little with each message runs
    /// best here: elsewhere each wakes another thread. One that hashes or waits must not.
    package let taskExecutor: any TaskExecutor

    package init(
        target: ConnectionTarget, eventLoop: any EventLoop,
        configuration: ClientConfiguration = ClientConfiguration()
    ) {
        self.target = target
        self.eventLoop = eventLoop
        self.configuration = configuration
        let connector = ClientConnector(
            target: target, eventLoop: eventLoop, configuration: configuration)
        state = Locked(State(connector: connector))
        ended = eventLoop.makePromise()
        taskExecutor = EventLoopTaskExecutor(eventLoop)
    }

    package convenience init(
        host: String, port: Int, eventLoop: any EventLoop,
        configuration: ClientConfiguration = ClientConfiguration()
    ) {
        self.init(
            target: .host(host, port: port), eventLoop: eventLoop, configuration: configuration)
    }

    deinit {
        switch state.withLock({ $0.phase }) {
        case .shutDown: break
        case .idle, .connecting, .ready: ended.succeed()
        }
    }

    /// Returns when the transport was shut down and its connection has ended.
    package func connect() async throws {
        try await withTaskCancellationHandler {
            try await ended.futureResult.get()
        } onCancel: {
            shutDown { $0.channel.close(promise: nil) }
        }
    }

    package func beginGracefulShutdown() {
        shutDown { $0.channel.pipeline.fireUserInboundEventTriggered(DrainConnection()) }
    }

    package func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? { nil }

    package func withStream<T: Sendable>(
        descriptor: MethodDescriptor, options: CallOptions,
        _ closure: (RPCStream<Inbound, Outbound>, ClientContext) async throws -> T
    ) async throws -> T {
        let connection = try await connection(waits: options.waitForReady == true)
        let limits = configuration.messageLimits(options)
        let encoding = MessageEncoding(options.compression ?? configuration.compression)
        let stream = try await makeStream(on: connection, descriptor, limits, encoding).get()
        defer { eventLoop.execute { stream.bound.value.abandon() } }
        let writer = StreamWriter(eventLoop: eventLoop, stream: stream.bound)
        writer.credit(from: stream.inbox)
        let context = ClientContext(
            descriptor: descriptor,
            remotePeer: connection.channel.remoteAddress?.grpcName ?? "unknown",
            localPeer: connection.channel.localAddress?.grpcName ?? "unknown")
        let parts = DecodedParts(inbox: stream.inbox, messageBytesMax: limits.receivedBytesMax)
        return try await closure(
            RPCStream(
                descriptor: descriptor, inbound: RPCAsyncSequence(wrapping: parts),
                outbound: writer.closable(encoding)),
            context)
    }

    // MARK: - Streams

    private struct OpenedStream: Sendable {
        let bound: NIOLoopBound<ClientStream>
        let inbox: Inbox<RPCResponsePart<MessageBytes>>
    }

    private func makeStream(
        on connection: ClientConnection, _ descriptor: MethodDescriptor, _ limits: MessageLimits,
        _ encoding: MessageEncoding
    ) -> EventLoopFuture<OpenedStream> {
        let scheme = configuration.security == nil ? "http" : "https"
        let fields =
            [
                HeaderField(":method", "POST"), HeaderField(":scheme", scheme),
                HeaderField(":path", "/\(descriptor.fullyQualifiedMethod)"),
                HeaderField(":authority", configuration.authority ?? target.authority),
                HeaderField("te", "trailers"), MetadataFields.contentType,
                HeaderField("user-agent", "grpc-swift-nghttp2"), MessageEncoding.accepted,
            ] + encoding.fields
        let eventLoop = eventLoop
        return eventLoop.submit {
            let stream = ClientStream(
                connection: connection.handler.value, requestFields: fields, limits: limits)
            return OpenedStream(
                bound: NIOLoopBound(stream, eventLoop: eventLoop), inbox: stream.inbox)
        }
    }

    // MARK: - Connection

    private enum Step {
        case use(EventLoopFuture<ClientConnection>)
        case open(ClientConnector, EventLoopPromise<ClientConnection>)
        case wait(until: ContinuousClock.Instant, RPCError)
    }

    private func connection(waits: Bool) async throws -> ClientConnection {
        while true {
            let future: EventLoopFuture<ClientConnection>
            switch try nextStep(waits: waits) {
            case .use(let connection):
                future = connection
            case .open(let connector, let promise):
                future = promise.futureResult
                connector.connect().whenComplete { result in
                    self.connected(result)
                    promise.completeWith(result)
                }
            case .wait(let instant, let error):
                guard waits else { throw error }
                try await Task.sleep(until: instant, clock: .continuous)
                continue
            }
            do {
                return try await future.getUnlessCancelled()
            } catch let error as CancellationError {
                throw error
            } catch {
                guard waits else { throw refusal(error) }
            }
        }
    }

    private func nextStep(waits: Bool) throws(RPCError) -> Step {
        try state.withLock { state throws(RPCError) -> Step in
            switch state.phase {
            case .ready(let connection):
                return .use(eventLoop.makeSucceededFuture(connection))
            case .connecting(let future):
                return .use(future)
            case .idle:
                if let refusal = state.refusal, refusal.until > .now,
                    waits || configuration.backoff != nil
                {
                    return .wait(until: refusal.until, refusal.error)
                }
                let promise = eventLoop.makePromise(of: ClientConnection.self)
                state.phase = .connecting(promise.futureResult)
                return .open(state.connector, promise)
            case .shutDown:
                throw RPCError(code: .unavailable, message: "the client is shut down")
            }
        }
    }

    private func refusal(_ error: any Error) -> RPCError {
        let reason = ConnectionFailure.reason(of: error)
        return RPCError(
            code: .unavailable, message: "cannot connect to \(target.name): \(reason)",
            cause: error)
    }

    private func connected(_ result: Result<ClientConnection, any Error>) {
        let isWanted = state.withLock { state in
            guard case .connecting = state.phase else { return false }
            switch result {
            case .success(let connection):
                state.phase = .ready(connection)
                state.failures = 0
                state.refusal = nil
            case .failure(let error):
                state.phase = .idle
                state.failures += 1
                // One that does not back off waits nonetheless where calls wait.
                let delay = (configuration.backoff ?? ConnectionBackoff())
                    .delay(failures: state.failures, random: .random(in: -1...1))
                state.refusal = (.now + delay, refusal(error))
            }
            return true
        }
        guard case .success(let connection) = result else { return }
        if isWanted {
            // The handler must not hold itself, as it would with the connection.
            let channel = connection.channel
            connection.handler.value.onUnusable = { [weak self] code, reason in
                if code == .enhanceYourCalm, reason == Misconduct.pingFlood.explanation {
                    self?.askLessOften()
                }
                self?.lost(channel)
            }
            channel.closeFuture.whenComplete { [weak self] _ in self?.lost(channel) }
        } else {
            connection.channel.close(promise: nil)
        }
    }

    /// The next call opens a new connection; those under way on the old one go on.
    private func lost(_ channel: any Channel) {
        state.withLock { state in
            if case .ready(let current) = state.phase, current.channel === channel {
                state.phase = .idle
            }
        }
    }

    /// gRFC A8: "KEEPALIVE_TIME will be doubled".
    private func askLessOften() {
        state.withLock { state in
            state.connector.keepaliveFactor = min(state.connector.keepaliveFactor * 2, 1 << 20)
        }
    }

    private func shutDown(_ end: (ClientConnection) -> Void) {
        let old = state.withLock { state in
            defer { state.phase = .shutDown }
            return state.phase
        }
        switch old {
        case .ready(let connection):
            connection.channel.closeFuture.whenComplete { _ in self.ended.succeed() }
            end(connection)
        case .idle, .connecting, .shutDown:
            ended.succeed()
        }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The value, or a `CancellationError` as soon as the task is cancelled; what was begun goes on.
    fileprivate func getUnlessCancelled() async throws -> Value {
        let promise = eventLoop.makePromise(of: Value.self)
        cascade(to: promise)
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
    }
}
