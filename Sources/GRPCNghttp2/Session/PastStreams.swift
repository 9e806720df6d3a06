/// Judges frames on streams that are no longer open (RFC 9113 §5.1 "closed", §5.1.1).
///
/// libnghttp2 drops them, because it forgets streams and cannot know whether their sender was told. What has to be
/// known is little: the streams that were reset here a short while ago, to which frames may be on their way, and
/// the numbers that were skipped. Pure; bounded, the oldest is forgotten.
struct PastStreams {
    enum Verdict: Equatable {
        /// A new stream, or one that was reset here: none of these.
        case fine
        /// Its sender has ended or reset it itself.
        case closed
        /// A number that was skipped.
        case skipped
    }

    /// More than the streams of a connection at once, since each is reset once.
    private static let resetsMax = 512
    private static let gapsMax = 32

    private var newest: Int32 = 0
    private var gaps: [ClosedRange<Int32>] = []
    private var resets: Set<Int32> = []
    private var resetOrder: [Int32] = []
    /// Where the oldest is once `resetOrder` is full.
    private var oldest = 0

    mutating func wasReset(_ stream: Int32) {
        guard resets.insert(stream).inserted else { return }
        if resetOrder.count < Self.resetsMax {
            resetOrder.append(stream)
        } else {
            resets.remove(resetOrder[oldest])
            resetOrder[oldest] = stream
            oldest = (oldest + 1) % Self.resetsMax
        }
    }

    /// HEADERS or DATA of a client on a stream that is not open.
    mutating func received(on stream: Int32, isHeaders: Bool) -> Verdict {
        // Even numbers, 0 among them, are libnghttp2's to refuse; so is DATA on an idle stream.
        guard stream % 2 == 1 else { return .fine }
        if stream > newest {
            if isHeaders { open(stream) }
            return .fine
        }
        if resets.contains(stream) { return .fine }
        return gaps.contains { $0.contains(stream) } ? .skipped : .closed
    }

    private mutating func open(_ stream: Int32) {
        let next = newest == 0 ? 1 : newest + 2
        if stream > next {
            if gaps.count == Self.gapsMax { gaps.removeFirst() }
            gaps.append(next...stream - 2)
        }
        newest = stream
    }
}
