import NIOCore

/// What a request that is no gRPC call is answered with: a status, and a sentence that says what this port is.
///
/// `/` answers 200, so that a tool for HTTP/2 (h2load, h2spec) can be pointed at the port. Elsewhere a POST of another
/// type is 415, as gRPC over HTTP/2 ("Requests") has it.
struct PlainAnswer {
    static let text =
        "This port speaks gRPC over HTTP/2: a call is a POST with content-type application/grpc.\n"

    let status: String
    /// HEAD is told the length alone.
    let body: ByteBuffer
    let fields: [HeaderField]

    init(method: String, path: String, type: String) {
        status =
            switch (method, path) {
            case ("GET", "/"), ("HEAD", "/"), ("POST", "/"), ("OPTIONS", "*"): "200"
            case ("POST", _): "415"
            case ("GET", _), ("HEAD", _): "404"
            default: "405"
            }
        body = ByteBuffer(string: method == "HEAD" ? "" : Self.text)
        var fields = [
            HeaderField(":status", status), HeaderField("content-type", "text/plain"),
            HeaderField("content-length", String(Self.text.utf8.count)),
        ]
        if status == "405" { fields.append(HeaderField("allow", "GET, HEAD, POST")) }
        self.fields = fields
    }
}

/// A request that is no gRPC call: its body is read and dropped, then it is answered.
final class PlainStream: HTTP2Stream {
    /// Most of a body that is read before the answer is given all the same, in bytes.
    private static let requestBytesMax = 1024 * 1024

    private let id: Int32
    private let connection: HTTP2ConnectionHandler
    private let answer: PlainAnswer
    private var body: ByteBuffer
    private var received = 0
    private var hasAnswered = false

    init(_ answer: PlainAnswer, id: Int32, connection: HTTP2ConnectionHandler) {
        self.answer = answer
        self.id = id
        self.connection = connection
        body = answer.body
    }

    func headersReceived(_ fields: [HeaderField], endStream: Bool) {
        if endStream { respond() }
    }

    func dataReceived(_ bytes: ByteBuffer) {
        received += bytes.readableBytes
        connection.credit(id, bytes: bytes.readableBytes)
        if received > Self.requestBytesMax { respond() }
    }

    func endReceived() {
        respond()
    }

    func closed(_ end: StreamEnd) {}

    /// For the rest of the request, or for the answer to be read.
    var isWaiting: Bool { true }

    private func respond() {
        guard !hasAnswered else { return }
        hasAnswered = true
        connection.respond(answer.fields, on: id, endStream: body.readableBytes == 0)
    }

    func fill(_ frame: inout DataFrame) -> DataPlan {
        let count = min(frame.memoryRoom, body.readableBytes)
        if let piece = body.readSlice(length: count) { frame.block.writeImmutableBuffer(piece) }
        frame.appended(count)
        return body.readableBytes == 0 ? .last(trailers: nil) : .more
    }
}
