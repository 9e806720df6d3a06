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
    func goawayReceived()
    func pingAnswered()

    /// How the stream's body goes on.
    func planData(on stream: Int32, limit: Int) -> DataPlan
    /// Appends the `count` bytes that were planned last. False: they cannot be had, reset the stream.
    func writeData(on stream: Int32, count: Int, into output: inout ByteBuffer) -> Bool
}

/// The next DATA frame of a stream.
enum DataPlan {
    /// Nothing to send now; ``HTTP2Session/resume(_:)`` asks again.
    case deferred
    case more(count: Int)
    /// The body ends after `count` bytes, with trailers or with END_STREAM.
    case last(count: Int, trailers: [HeaderField]?)
}
