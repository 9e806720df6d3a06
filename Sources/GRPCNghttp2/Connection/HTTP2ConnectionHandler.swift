import GRPCCore
import NIOCore

/// One HTTP/2 connection in its channel: feeds the session, hands streams their part, writes what the
/// session has to say for as long as the socket takes it.
///
/// Lives on its event loop.
final class HTTP2ConnectionHandler: ChannelInboundHandler, HTTP2SessionDelegate {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the other side may take to close its half of a connection that is done.
    static let lingering = TimeAmount.seconds(2)

    /// How long the other side may take to hear that the connection ends.
    private static let noticeLimit = TimeAmount.seconds(1)

    private enum State {
        case active
        /// Draining before the first stream, which is on its way: a client was let in for it, and not
        /// all of them try again.
        case expecting
        /// The other side has been told, and what it had sent before it knew is still taken.
        case announcing
        /// No new streams; closes when the last one ends.
        case draining
        case closed
    }

    private let role: HTTP2Session.Role
    private let limits: HTTP2Session.Limits
    private let isPlaintext: Bool
    /// A server's answer to a new stream; a client has none.
    private let accept: ((HTTP2ConnectionHandler, Int32, [HeaderField]) -> any HTTP2Stream)?
    /// Told what the other side did when the connection ends for it, or one of its streams.
    let onMisconduct: ((Misconduct) -> Void)?
    var watch: ConnectionWatch
    /// Called when no more streams can be opened: the other side drains the connection, and says why.
    var onUnusable: ((HTTP2ErrorCode, String) -> Void)?
    private let keeping: ConnectionKeeper.Settings
    private var keeper: ConnectionKeeper?

    private(set) var session: HTTP2Session?
    private(set) var context: ChannelHandlerContext?
    private(set) var writer: SocketWriter?
    private(set) var streams: [Int32: any HTTP2Stream] = [:]
    private var state = State.active
    private var hasHadStreams = false
    private var isReading = false
    private var isPumping = false
    private var isPumpScheduled = false
    private var isClosing = false

    /// - Parameter isPlaintext: Whether the channel writes to its socket what this handler writes to the
    ///   channel: no TLS between them.
    init(
        role: HTTP2Session.Role, limits: HTTP2Session.Limits, isPlaintext: Bool,
        keeping: ConnectionKeeper.Settings = ConnectionKeeper.Settings(),
        accept: ((HTTP2ConnectionHandler, Int32, [HeaderField]) -> any HTTP2Stream)? = nil,
        onMisconduct: ((Misconduct) -> Void)? = nil
    ) {
        self.role = role
        self.keeping = keeping
        self.limits = limits
        self.isPlaintext = isPlaintext
        self.accept = accept
        self.onMisconduct = onMisconduct
        watch = ConnectionWatch(limits.conduct)
    }

    var channel: (any Channel)? { context?.channel }

    var isServer: Bool { role == .server }

    var hasStreams: Bool { !streams.isEmpty }

    /// Whether a client may open a stream.
    var acceptsRequests: Bool {
        if case .active = state, let session { session.acceptsRequests } else { false }
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What still comes on a connection that has ended is read and dropped, or the kernel would answer it
        // with a reset, and take away the GOAWAY.
        guard let session, !hasEnded else { return }
        isReading = true
        keeper?.bytesReceived()
        do {
            try session.receive(unwrapInboundIn(data), now: context.eventLoop.now)
            watchUnfinished()
        } catch {
            fail(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        pump()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { pump() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        keeper?.stop()
        closeStreams()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        keeper?.stop()
        keeper = nil
        closeStreams()
        // The session dies here and in no callback of its own.
        session = nil
        writer = nil
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset by the other side, mostly: what was open says so to its users.
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is DrainConnection { drain() }
        context.fireUserInboundEventTriggered(event)
    }

    private func start(_ context: ChannelHandlerContext) {
        guard session == nil else { return }
        session = HTTP2Session(role: role, limits: limits, delegate: self)
        writer = SocketWriter(
            context: context, isPlaintext: isPlaintext, onReady: { [weak self] in self?.pump() },
            onFileEnded: { [weak self] in self?.frameFailed() })
        watchUnfinished()
        let keeper = ConnectionKeeper(keeping, connection: self, eventLoop: context.eventLoop)
        self.keeper = keeper
        keeper.start()
        pump()
    }

    /// Ends the connection in order (RFC 9113, 6.8): a notice with a PING behind it, when that is
    /// answered GOAWAY, and a close when the last stream is done. A client has no one to notify: it opens
    /// the streams.
    func drain() {
        guard case .active = state, let context else { return }
        guard isServer else { return startDraining() }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.noticeLimit) {
            self.refuseStreams()
        }
        if hasHadStreams { announce() } else { state = .expecting }
    }

    private func announce() {
        state = .announcing
        session?.announceShutdown()
        session?.ping(.shutdown)
        pump()
    }

    func ping() {
        session?.ping(.keepalive)
        schedulePump()
    }

    /// Ends the connection, whatever is under way.
    func close() {
        context?.close(promise: nil)
    }

    /// The other side knows: what it opens from here on is refused.
    private func refuseStreams() {
        switch state {
        case .expecting, .announcing: startDraining()
        case .active, .draining, .closed: return
        }
    }

    private func startDraining() {
        state = .draining
        session?.submitGoaway(.noError)
        schedulePump()
        // A session that never began has nothing to write.
        if session == nil { context?.close(promise: nil) }
    }

    func pingAnswered(_ ping: HTTP2Ping) {
        if ping == .shutdown { refuseStreams() }
    }

    func pingReceived() {
        guard keeper?.pingReceived() == true, let context else { return }
        // Behind this turn: the session is being fed.
        context.eventLoop.assumeIsolated().execute {
            self.end(.pingFlood, .enhanceYourCalm, Misconduct.pingFlood.explanation)
        }
    }

    func messageFrameSent() {
        keeper?.framesSent()
    }

    private func fail(_ error: HTTP2ConnectionError) {
        end(error.misconduct ?? .protocolError, error.errorCode, "\(error)")
    }

    /// Ends the connection at once: tells the other side why, and does not wait for it.
    func end(_ misconduct: Misconduct, _ code: HTTP2ErrorCode, _ reason: String) {
        guard !hasEnded else { return }
        closeStreams()
        onMisconduct?(misconduct)
        session?.end(code, because: reason)
        isReading = false
        pump()
        // A socket that takes nothing would keep what is pending for ever.
        guard let context else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) {
            context.close(promise: nil)
        }
    }

    private var hasEnded: Bool {
        if case .closed = state { true } else { false }
    }

    func connectionErrorSent() {
        // One's own GOAWAY has been accounted for.
        guard !hasEnded else { return }
        closeStreams()
        onMisconduct?(.protocolError)
    }

    /// A frame has begun whose bytes cannot be had: nothing can follow it (RFC 9113 §4.1), and bytes that
    /// the file never had would be a lie.
    private func frameFailed() {
        closeStreams()
        context?.close(promise: nil)
    }

    private func closeStreams() {
        let open = streams.sorted { $0.key < $1.key }
        streams = [:]
        state = .closed
        for (_, stream) in open { stream.closed(.connectionLost) }
    }

    // MARK: - Streams

    /// Opens a stream as a client.
    func open(_ fields: [HeaderField], as stream: any HTTP2Stream) throws(RPCError) -> Int32 {
        guard acceptsRequests, let session else {
            throw RPCError(code: .unavailable, message: "the connection is closing")
        }
        do {
            let id = try session.submitRequest(fields)
            streams[id] = stream
            keeper?.streamOpened()
            schedulePump()
            return id
        } catch {
            throw RPCError(code: .unavailable, message: "\(error)")
        }
    }

    func respond(_ fields: [HeaderField], on stream: Int32, endStream: Bool) {
        session?.submitResponse(fields, on: stream, endStream: endStream)
        schedulePump()
    }

    /// The stream's outbox has something again.
    func bodyGrew(on stream: Int32) {
        session?.resume(stream)
        schedulePump()
    }

    func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
        guard streams[stream] != nil else { return }
        session?.reset(stream, code)
        schedulePump()
    }

    func credit(_ stream: Int32, bytes: Int) {
        guard bytes > 0, streams[stream] != nil else { return }
        session?.creditStream(stream, bytes)
        schedulePump()
    }

    // MARK: - Session

    func headersReceived(_ fields: [HeaderField], on stream: Int32, endStream: Bool) {
        if let known = streams[stream] {
            known.headersReceived(fields, endStream: endStream)
        } else if let accept, acceptsStreams {
            let accepted = accept(self, stream, fields)
            streams[stream] = accepted
            hasHadStreams = true
            startWatching()
            keeper?.streamOpened()
            if case .expecting = state { announce() }
            accepted.headersReceived(fields, endStream: endStream)
        } else if accept != nil {
            session?.reset(stream, .refusedStream)
        }
    }

    private var acceptsStreams: Bool {
        switch state {
        case .active, .expecting, .announcing: true
        case .draining, .closed: false
        }
    }

    func dataReceived(_ bytes: ByteBuffer, on stream: Int32) {
        streams[stream]?.dataReceived(bytes)
    }

    func endReceived(on stream: Int32) {
        streams[stream]?.endReceived()
    }

    func streamClosed(_ stream: Int32, code: HTTP2ErrorCode) {
        streams.removeValue(forKey: stream)?.closed(.closed(code))
        keeper?.streamClosed()
    }

    func goawayReceived(_ code: HTTP2ErrorCode, reason: String) {
        if case .active = state { state = .draining }
        onUnusable?(code, reason)
    }

    func fill(_ frame: inout DataFrame, on stream: Int32) -> DataPlan {
        // A stream whose connection has ended must not look as if it were complete.
        if hasEnded { return .deferred }
        return streams[stream]?.fill(&frame) ?? .last(trailers: nil)
    }

    // MARK: - Writing

    /// Pumps once this turn of the loop is over, so that what one turn produces leaves in one write.
    private func schedulePump() {
        guard !isPumpScheduled, !isReading, !isPumping, let context else { return }
        isPumpScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isPumpScheduled = false
            self.pump()
        }
    }

    private func waitForTurn(_ eventLoop: any EventLoop) {
        guard !isPumpScheduled else { return }
        isPumpScheduled = true
        WritingTurns.current.wait(self, on: eventLoop)
    }

    func takeTurn() {
        isPumpScheduled = false
        pump()
    }

    /// Writes blocks while there is something to write and the socket takes it.
    ///
    /// Writability events and the writer's own fire inside the writes below: they find `isPumping` set, and
    /// are answered by the loop's own look at the writer.
    private func pump() {
        guard !isPumping, !isReading, let session, let context, let writer else { return }
        isPumping = true
        defer { isPumping = false }
        // A call makes some hundred steps, each of which may wait for a turn of the other streams.
        let turnBytes = streams.count > 1 ? Self.sharedTurnBytes : Self.turnBytes
        var written = 0
        do {
            while writer.isReady {
                guard written < turnBytes else {
                    waitForTurn(context.eventLoop)
                    return
                }
                guard let count = try writeBlock(session, writer) else {
                    closeIfDone(context, session)
                    return
                }
                written += count
            }
        } catch {
            // Behind this turn: the GOAWAY needs a pump of its own.
            context.eventLoop.assumeIsolated().execute { self.fail(error) }
            return
        }
    }

    /// - Returns: Bytes written, or nil when nothing is pending any more.
    private func writeBlock(
        _ session: HTTP2Session, _ writer: SocketWriter
    ) throws(HTTP2ConnectionError) -> Int? {
        // A small call waits behind one frame of each that is large: frames are shorter where it could.
        let isShared = streams.count > 1
        let fileBytesMax = isShared ? Self.sharedFileBytesMax : Self.fileBytesMax
        var block = OutputBlock(
            BlockPool.current.take(), bytesMax: BlockPool.blockBytes,
            frameBytesMax: isShared ? Self.sharedFrameBytesMax : BlockPool.blockBytes,
            fileBytesMax: writer.sendsFiles ? fileBytesMax : 0)
        defer { BlockPool.current.give(&block.bytes) }
        let filling = Result { () throws(HTTP2ConnectionError) in try session.fill(&block) }
        // What was serialised before a failure is a part of the connection, and goes first.
        let count = block.bytes.readableBytes + (block.file?.count ?? 0)
        if count > 0 { writer.write(block) }
        return try filling.get() && count > 0 ? count : nil
    }

    /// Bytes that one connection writes before the others of its event loop have their turn.
    private static let turnBytes = 1 << 20
    /// The same for one with several streams, which wait for each other.
    private static let sharedTurnBytes = 128 * 1024
    /// Largest payload of a DATA frame that goes through memory, in bytes, on a connection with several
    /// streams.
    private static let sharedFrameBytesMax = 64 * 1024
    /// Largest piece of a file in one frame, in bytes; the second one on a connection with several streams.
    private static let fileBytesMax = 1 << 20
    private static let sharedFileBytesMax = DataFrame.fileBytesMin

    private func closeIfDone(_ context: ChannelHandlerContext, _ session: HTTP2Session) {
        let isDrained =
            switch state {
            case .active, .expecting, .announcing: false
            case .draining, .closed: streams.isEmpty
            }
        guard isDrained || !session.isAlive, !isClosing else { return }
        isClosing = true
        // Behind everything that waits for the socket: closing now would throw that away. And then only
        // this side: the kernel answers what still comes for a closed socket with a reset, which
        // takes from the other side what it has not read yet.
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            context.close(mode: .output, promise: nil)
            context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) {
                context.close(promise: nil)
            }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }
}

/// Fired into a connection's pipeline to end it in order.
struct DrainConnection: Sendable {}
