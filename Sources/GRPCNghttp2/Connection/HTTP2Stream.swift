import NIOCore

/// One stream of a connection, as its connection sees it. Lives on the event loop.
protocol HTTP2Stream: AnyObject {
    func headersReceived(_ fields: [HeaderField], endStream: Bool)
    func dataReceived(_ bytes: ByteBuffer)
    func endReceived()
    /// Nothing more comes or goes. The last call.
    func closed(_ end: StreamEnd)

    /// Puts what the stream has to send into its next DATA frame.
    func fill(_ frame: inout DataFrame) -> DataPlan

    /// Whether the other side is to do something next: read what is queued, or send the rest of what it has
    /// begun. One that does neither for long is given up.
    var isWaiting: Bool { get }
}

/// Why nothing more comes or goes on a stream.
enum StreamEnd {
    /// Both sides are done (`noError`), or one of them gave it up.
    case closed(HTTP2ErrorCode)
    case connectionLost
}
