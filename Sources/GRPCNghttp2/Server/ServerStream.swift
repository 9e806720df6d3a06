import GRPCCore
import NIOCore

/// A call that came in: the receiving half fills the inbox, the sending half is written by its handler.
///
/// Lives on the event loop of its connection.
final class ServerStream: WritableStream {
    private enum Response {
        case nothingSent
        case headersSent
        case ended
    }

    let id: Int32
    let inbox: Inbox<RPCRequestPart<MessageBytes>>
    private let connection: HTTP2ConnectionHandler
    private let limits: MessageLimits
    private let encoding: MessageEncoding
    private let timeout: CallTimeout?
    /// When the caller stops waiting, as far as it said.
    private let deadline: ContinuousClock.Instant?
    private var deframer: MessageDeframer
    private var body = StreamBody()
    private var response = Response.nothingSent
    private var gotHeaders = false
    private var cancellation: ServerContext.RPCCancellationHandle?
    private var refusal: Status?
    private var isLate = false
    private var isClosed = false

    /// - Parameters:
    ///   - head: nil for a call that is refused.
    ///   - encoding: What its responses are encoded with.
    init(
        id: Int32, connection: HTTP2ConnectionHandler, limits: MessageLimits, head: CallHead? = nil,
        encoding: MessageEncoding = .identity
    ) {
        self.id = id
        self.connection = connection
        self.limits = limits
        self.encoding = encoding
        timeout = head?.timeout
        deadline = timeout.map { ContinuousClock.now + $0.duration }
        deframer = MessageDeframer(
            messageBytesMax: limits.receivedBytesMax, windowBytes: limits.windowBytes)
        deframer.encoding = head?.encoding ?? .identity
        inbox = Inbox(windowBytes: limits.windowBytes)
    }

    /// Has the handler told when the caller goes away.
    func cancel(with handle: ServerContext.RPCCancellationHandle) {
        cancellation = handle
        if isClosed { handle.cancel() }
    }

    /// Answers a call that no handler takes.
    func refuse(_ status: Status) {
        refusal = status
    }

    // MARK: - From the connection

    func headersReceived(_ fields: [HeaderField], endStream: Bool) {
        if let refusal {
            finish(refusal, [:])
        } else if !gotHeaders {
            gotHeaders = true
            var metadata = MetadataFields.metadata(of: fields)
            if let timeout {
                metadata.replaceOrAddString(timeout.normalized, forKey: "grpc-timeout")
            }
            inbox.append(.metadata(metadata), bytes: 0)
        }
        if endStream { endReceived() }
    }

    func dataReceived(_ bytes: ByteBuffer) {
        do {
            let partial = try deframer.receive(bytes) { message, credit in
                inbox.append(.message(message), bytes: credit)
            }
            credit(partial)
        } catch {
            inbox.finish(.failure(error))
            finish(Status(code: Status.Code(error.code), message: error.message), [:])
        }
    }

    func endReceived() {
        guard deframer.isAtBoundary else {
            inbox.finish(
                .failure(
                    RPCError(code: .internalError, message: "the request ends inside a message")))
            return
        }
        inbox.finish(.success(()))
    }

    func closed(_ end: StreamEnd) {
        isClosed = true
        let error = RPCError(code: .cancelled, message: "the call was cancelled by its caller")
        inbox.finish(.failure(error))
        body.fail(error)
        if !body.hasEnded { cancellation?.cancel() }
        cancellation = nil
    }

    func fill(_ frame: inout DataFrame) -> DataPlan {
        let (connection, id) = (connection, id)
        switch body.fill(&frame, on: connection, resume: { connection.bodyGrew(on: id) }) {
        case .plan(let plan):
            return plan
        case .fileEnded(let error):
            // Whatever the handler has said by now: what was sent is not what it promised.
            response = .ended
            let status = Status(code: Status.Code(error.code), message: error.message)
            return .last(trailers: MetadataFields.trailers(status, [:]))
        }
    }

    var isWaiting: Bool { body.isWaiting || !deframer.isAtBoundary }

    // MARK: - From the handler

    func write(_ part: RPCResponsePart<MessageBytes>) throws(RPCError) -> Bool {
        guard !isClosed else {
            throw RPCError(code: .cancelled, message: "the call was cancelled by its caller")
        }
        switch part {
        case .metadata(let metadata):
            try MetadataFields.check(metadata)
            sendHeaders(metadata)
        case .message(let message):
            try limits.checkSent(message)
            sendHeaders([:])
            try body.append(message)
            connection.bodyGrew(on: id)
        case .status(let status, let metadata):
            finish(status, metadata)
        }
        return body.isFull
    }

    func credit(_ bytes: Int) {
        connection.credit(id, bytes: bytes)
    }

    func waitForRoom(_ continuation: CheckedContinuation<Void, any Error>) {
        body.wait(continuation)
    }

    /// Wakes a handler that waits for a reader which does not read. Whatever error it then ends with, its
    /// caller learns that it was late.
    func deadlinePassed() {
        isLate = true
        body.fail(RPCError(code: .deadlineExceeded, message: Self.late))
    }

    private static let late = "the call's deadline has passed"

    /// The handler is done; without a status of its own this is an internal error.
    func writerFinished(_ error: (any Error)?) {
        finish(Status(code: .internalError, message: "the handler ended without a status"), [:])
    }

    private func sendHeaders(_ metadata: Metadata) {
        guard case .nothingSent = response else { return }
        response = .headersSent
        let fields = Self.responseFields + encoding.fields + MetadataFields.fields(of: metadata)
        connection.respond(fields, on: id, endStream: false)
    }

    private static let responseFields = [
        HeaderField(":status", "200"), MetadataFields.contentType, MessageEncoding.accepted,
    ]

    private func finish(_ status: Status, _ metadata: Metadata) {
        guard !isClosed else { return }
        let isLate = isLate || deadline.map { ContinuousClock.now >= $0 } == true
        let status =
            isLate && status.code != .ok
            ? Status(code: .deadlineExceeded, message: Self.late) : status
        let trailers = MetadataFields.trailers(status, metadata)
        switch response {
        case .nothingSent:
            // "Trailers-Only": one header list says everything.
            connection.respond(Self.responseFields + trailers, on: id, endStream: true)
            body.finish(.streamEnd)
        case .headersSent:
            body.finish(.trailers(trailers))
            connection.bodyGrew(on: id)
        case .ended:
            break
        }
        response = .ended
    }
}
