import NIOCore

/// Counts what the other side of a connection sends, and says when it is too much.
///
/// Pure: the caller supplies `now` and ends the connection.
struct FrameMeter {
    private let limits: ConductLimits
    /// Larger frames are libnghttp2's to refuse, as RFC 9113 §4.2 has it.
    private let frameBytesMax: Int
    private var pings: TokenBucket
    private var settings: TokenBucket
    private var emptyData: TokenBucket
    private var windowUpdates: TokenBucket
    private var otherFrames: TokenBucket
    private var resets: TokenBucket
    private var provokedResets: TokenBucket
    /// Of the field block that is arriving.
    private var continuations = 0
    private var blockBytes = 0

    init(_ limits: ConductLimits, frameBytesMax: Int) {
        self.limits = limits
        self.frameBytesMax = frameBytesMax
        pings = TokenBucket(limits.pings)
        settings = TokenBucket(limits.settings)
        emptyData = TokenBucket(limits.emptyData)
        windowUpdates = TokenBucket(limits.windowUpdates)
        otherFrames = TokenBucket(limits.otherFrames)
        resets = TokenBucket(limits.resets)
        provokedResets = TokenBucket(limits.provokedResets)
    }

    /// - Returns: Why this frame is one too many.
    mutating func received(_ frame: FrameHead, now: NIODeadline) -> Misconduct? {
        switch frame.kind {
        case .data:
            guard frame.length <= frame.padding, !frame.endsStream else { return nil }
            return emptyData.take(now: now) ? nil : .emptyDataFlood
        case .headers, .pushPromise:
            (continuations, blockBytes) = (0, 0)
            return block(frame)
        case .continuation:
            continuations += 1
            return continuations <= limits.continuations ? block(frame) : .continuationFlood
        case .reset:
            return resets.take(now: now) ? nil : .resetFlood
        case .settings:
            return settings.take(now: now) ? nil : .settingsFlood
        case .ping:
            return pings.take(now: now) ? nil : .pingFlood
        case .windowUpdate:
            return windowUpdates.take(now: now) ? nil : .windowUpdateFlood
        case .priority, .goaway, nil:
            return otherFrames.take(now: now) ? nil : .otherFrameFlood
        }
    }

    /// This side has to reset or refuse a stream for what came on it.
    mutating func provoked(now: NIODeadline) -> Misconduct? {
        provokedResets.take(now: now) ? nil : .provokedResets
    }

    mutating func sentData(bytes: Int) {
        pings.earn(1)
        windowUpdates.earn(Double(bytes) / 1024)
    }

    mutating func sentHeaders() {
        pings.earn(1)
        windowUpdates.earn(2)
    }

    /// A client has opened a stream, which the server may refuse.
    mutating func sentRequest() {
        resets.earn(1)
    }

    mutating func streamEndedWell() {
        resets.earn(1)
    }

    private mutating func block(_ frame: FrameHead) -> Misconduct? {
        guard frame.length <= frameBytesMax else { return nil }
        blockBytes += frame.length
        return blockBytes <= limits.headerBlockBytesMax ? nil : .headerBlockTooLarge
    }
}
