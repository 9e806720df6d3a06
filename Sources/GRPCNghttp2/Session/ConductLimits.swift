import NIOCore

/// How much of what costs its sender nothing a connection takes before it is ended.
///
/// Each count is a token bucket: so many at once, so many a second after that, and as many more as useful work
/// earns. Lowering one ends connections of lively but honest peers, raising it lets an attacker have that
/// many times the work; memory is bounded without them. Chosen so that grpcio, grpc-go, h2load, nghttp and this
/// client stay an order of magnitude below (docs/decisions/0039).
package struct ConductLimits: Hashable, Sendable {
    /// PING, answers to PINGs included. A frame of DATA or HEADERS that is sent earns one: bandwidth
    /// estimators send a PING for each burst of data.
    package var pings = TokenBucket.Limit(burst: 200, perSecond: 20)
    /// SETTINGS, acknowledgements included.
    package var settings = TokenBucket.Limit(burst: 50, perSecond: 5)
    /// DATA that carries nothing, or padding alone, and does not end its stream.
    package var emptyData = TokenBucket.Limit(burst: 100, perSecond: 10)
    /// Each KiB of DATA that is sent earns one, each answer two.
    package var windowUpdates = TokenBucket.Limit(burst: 4096, perSecond: 200)
    /// PRIORITY, PRIORITY_UPDATE, GOAWAY and frames of unknown types.
    package var otherFrames = TokenBucket.Limit(burst: 200, perSecond: 20)
    /// RST_STREAM: calls that are cancelled, or that run into their deadlines. A stream that ends well earns
    /// one, and so does one that a client opens, for a server may refuse each.
    package var resets = TokenBucket.Limit(burst: 500, perSecond: 100)
    /// Streams that this side has to reset or refuse for what the other side did on them.
    package var provokedResets = TokenBucket.Limit(burst: 100, perSecond: 10)
    /// CONTINUATION frames of one field block (libnghttp2's own bound is the same).
    package var continuations = 8
    /// Compressed bytes of one field block.
    package var headerBlockBytesMax = 96 * 1024
    /// Bytes of all field sections whose streams are open; a stream over it is refused.
    package var headerBytesHeldMax = 1024 * 1024
    /// What a connection may take for its preface and first SETTINGS (a TLS handshake included), for a
    /// frame other than DATA, or for a field block, from its first byte to its last.
    package var slowFrameLimit = TimeAmount.seconds(10)
    /// How long a stream may have bytes to send, or a part of a message received, without
    /// ``stallBytesMin`` moving; and how long the socket may take nothing.
    package var stallLimit = TimeAmount.seconds(60)
    /// Bytes that count as movement in a ``stallLimit``. A reader that gives windows of one byte does not.
    package var stallBytesMin = 1024

    package init() {}
}
