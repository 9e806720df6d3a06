import GRPCCore
import NIOCore

/// A call that goes out. Opened by its first write, the metadata.
///
/// Lives on the event loop of its connection.
final class ClientStream: WritableStream {
    private enum State {
        case idle
        case open(Int32)
        case closed
    }

    let inbox: Inbox<RPCResponsePart<MessageBytes>>
    private let connection: HTTP2ConnectionHandler
    private let requestFields: [HeaderField]
    private let limits: MessageLimits
    private var deadline: ContinuousClock.Instant?
    private var state = State.idle
    private var deframer: MessageDeframer
    private var body = StreamBody()
    private var gotHeaders = false
    private var gotStatus = false

    /// - Parameter requestFields: The pseudo fields and those that every call of the connection has.
    init(
        connection: HTTP2ConnectionHandler, requestFields: [HeaderField], limits: MessageLimits
    ) {
        self.connection = connection
        self.requestFields = requestFields
        self.limits = limits
        deframer = MessageDeframer(
            messageBytesMax: limits.receivedBytesMax, windowBytes: limits.windowBytes)
        inbox = Inbox(windowBytes: limits.windowBytes)
    }

    /// Gives up what is still open: the caller has left.
    func abandon() {
        switch state {
        case .idle: closed(.closed(.cancel))
        case .open(let id): connection.reset(id, .cancel)
        case .closed: break
        }
    }

    func credit(_ bytes: Int) {
        if case .open(let id) = state { connection.credit(id, bytes: bytes) }
    }

    // MARK: - From the caller

    func write(_ part: RPCRequestPart<MessageBytes>) throws -> Bool {
        switch (state, part) {
        case (.idle, .metadata(let metadata)):
            try MetadataFields.check(metadata)
            try open(metadata)
        case (.open(let id), .message(let message)):
            try limits.checkSent(message)
            try body.append(message)
            connection.bodyGrew(on: id)
        case (.closed, _):
            // What the server said is in the inbox; the writer only learns that it is over.
            throw RPCError(code: .cancelled, message: "the call has ended")
        case (.idle, .message), (.open, .metadata):
            throw RPCError(code: .internalError, message: "metadata comes first, and once")
        }
        return body.isFull
    }

    private func open(_ metadata: Metadata) throws(RPCError) {
        deadline = metadata[stringValues: "grpc-timeout"].first { _ in true }
            .flatMap { CallTimeout($0) }.map { .now + $0.duration }
        do {
            let fields = requestFields + MetadataFields.fields(of: metadata)
            state = .open(try connection.open(fields, as: self))
        } catch {
            // The reader learns it, too: it waits for an answer that nobody will send.
            deliver(Status(code: Status.Code(error.code), message: error.message), [:])
            closed(.connectionLost)
            throw error
        }
    }

    func waitForRoom(_ continuation: CheckedContinuation<Void, any Error>) {
        body.wait(continuation)
    }

    func writerFinished(_ error: (any Error)?) {
        guard case .open(let id) = state else { return }
        if error == nil {
            body.finish(.streamEnd)
            connection.bodyGrew(on: id)
        } else {
            connection.reset(id, .cancel)
        }
    }

    // MARK: - From the connection

    func headersReceived(_ fields: [HeaderField], endStream: Bool) {
        // 1xx answers say nothing to gRPC.
        if MetadataFields.value(":status", in: fields)?.hasPrefix("1") == true { return }
        if endStream || gotHeaders {
            deliver(MetadataFields.status(of: fields), MetadataFields.metadata(of: fields))
        } else if let refusal = refusal(of: fields) {
            deliver(refusal, MetadataFields.metadata(of: fields))
            abandon()
        } else {
            gotHeaders = true
            inbox.append(.metadata(MetadataFields.metadata(of: fields)), bytes: 0)
        }
    }

    /// Why a response that begins with these fields is not read on; nil for one that is.
    private func refusal(of fields: [HeaderField]) -> Status? {
        guard MetadataFields.value(":status", in: fields) == "200" else {
            return MetadataFields.status(of: fields)
        }
        let type = MetadataFields.value("content-type", in: fields) ?? "none"
        guard type.hasPrefix(MetadataFields.contentType.value) else {
            return Status(code: .unknown, message: "the answer is no gRPC; content-type \(type)")
        }
        let name = MetadataFields.value("grpc-encoding", in: fields) ?? "identity"
        guard let encoding = MessageEncoding(rawValue: name) else {
            return Status(
                code: .internalError, message: "the server's encoding \(name) was not offered")
        }
        deframer.encoding = encoding
        return nil
    }

    func dataReceived(_ bytes: ByteBuffer) {
        do {
            let partial = try deframer.receive(bytes) { message, credit in
                inbox.append(.message(message), bytes: credit)
            }
            credit(partial)
        } catch {
            deliver(Status(code: Status.Code(error.code), message: error.message), [:])
            abandon()
        }
    }

    func endReceived() {
        deliver(Status(code: .internalError, message: "the response ended without a status"), [:])
    }

    func closed(_ end: StreamEnd) {
        state = .closed
        deliver(status(of: end), [:])
        body.fail(RPCError(code: .cancelled, message: "the call has ended"))
    }

    func fill(_ frame: inout DataFrame) -> DataPlan {
        guard case .open(let id) = state else { return .failed }
        let connection = connection
        switch body.fill(&frame, on: connection, resume: { connection.bodyGrew(on: id) }) {
        case .plan(let plan):
            return plan
        case .fileEnded(let error):
            deliver(Status(code: Status.Code(error.code), message: error.message), [:])
            return .failed
        }
    }

    /// How long a server may take is the caller's to say, by a deadline.
    var isWaiting: Bool { false }

    /// The first status counts.
    private func deliver(_ status: Status, _ metadata: Metadata) {
        guard !gotStatus else { return }
        gotStatus = true
        inbox.append(.status(status, metadata), bytes: 0)
        inbox.finish(.success(()))
    }

    /// gRPC over HTTP/2, "Errors": what a reset means.
    private func status(of end: StreamEnd) -> Status {
        switch end {
        case .connectionLost:
            Status(code: .unavailable, message: "the connection was lost")
        case .closed(.refusedStream):
            Status(code: .unavailable, message: "the server refused the call")
        // A server that keeps the deadline, too, may be the first to see it pass.
        case .closed(.cancel) where deadline.map { $0 <= .now } == true:
            Status(code: .deadlineExceeded, message: "the call's deadline has passed")
        case .closed(.cancel):
            Status(code: .cancelled, message: "the server cancelled the call")
        case .closed(.enhanceYourCalm):
            Status(code: .resourceExhausted, message: "the server asks for fewer calls")
        case .closed(.inadequateSecurity):
            Status(code: .permissionDenied, message: "the server asks for more security")
        case .closed(let code):
            Status(
                code: .internalError, message: "the call was reset (HTTP/2 error \(code.rawValue))")
        }
    }
}
