import NIOCore

/// What a session tells and asks its owner. Called on the event loop, inside calls of the session.
protocol HTTP2SessionDelegate: AnyObject {
    func headersReceived(_ fields: [HeaderField], on stream: Int32, endStream: Bool)
    /// A list over its bounds has come to its end; `fields` is what fitted.
    func headerListRefused(_ fields: [HeaderField], on stream: Int32)
    func dataReceived(_ bytes: ByteBuffer, on stream: Int32)
    /// The other side will send no more data on this stream (DATA with END_STREAM).
    func endReceived(on stream: Int32)
    func streamClosed(_ stream: Int32, code: HTTP2ErrorCode)
    /// Bytes of DATA went out or came in on a stream.
    func dataMoved(on stream: Int32, bytes: Int)
    /// libnghttp2 has ended the connection for what the other side did.
    func connectionErrorSent()
    func goawayReceived(_ code: HTTP2ErrorCode, reason: String)
    func pingReceived()
    func pingAnswered(_ ping: HTTP2Ping)
    /// HEADERS or DATA went out.
    func messageFrameSent()

    /// Asks for the payload of a stream's next frame.
    func fill(_ frame: inout DataFrame, on stream: Int32) -> DataPlan
}

/// What a PING of this side is for; its eight bytes come back in the answer.
enum HTTP2Ping: UInt64 {
    case keepalive = 1
    /// Behind the notice of a shutdown: when it comes back, the other side has read the notice.
    case shutdown = 2
}
