import DequeModule
import NIOCore

/// What a stream is about to send: framed messages, then its end.
///
/// Bounded by its writers: above `highWaterBytes` they wait. Bytes of a ``FileSlice`` count, although
/// they take no memory until a frame is written.
struct Outbox {
    /// Enough for a few of the 64 KiB messages that the seeds' protocol sends.
    static let highWaterBytes = 256 * 1024

    enum End {
        case streamEnd
        case trailers([HeaderField])
    }

    private enum Segment {
        case memory(ByteBuffer)
        case file(FileSlice)
    }

    private var segments: Deque<Segment> = []
    private(set) var end: End?
    private(set) var queuedBytes = 0

    var isFull: Bool { queuedBytes >= Self.highWaterBytes }

    mutating func append(_ message: MessageBytes) {
        precondition(end == nil, "message after the end")
        var framed = ByteBuffer()
        framed.reserveCapacity(MessageDeframer.prefixBytes + message.head.readableBytes)
        framed.writeMultipleIntegers(
            UInt8(message.isEncoded ? 1 : 0), UInt32(message.count))
        framed.writeImmutableBuffer(message.head)
        queuedBytes += framed.readableBytes
        segments.append(.memory(framed))
        if let tail = message.tail, tail.count > 0 {
            queuedBytes += tail.count
            segments.append(.file(tail))
        }
    }

    mutating func finish(_ end: End) {
        guard self.end == nil else { return }
        self.end = end
    }

    /// Drops what was not sent, so that the end is next.
    mutating func discardQueued() {
        segments.removeAll()
        queuedBytes = 0
    }

    func plan(limit: Int) -> DataPlan {
        let count = min(limit, queuedBytes)
        guard count == queuedBytes, let end else {
            return count == 0 ? .deferred : .more(count: count)
        }
        switch end {
        case .streamEnd: return .last(count: count, trailers: nil)
        case .trailers(let fields): return .last(count: count, trailers: fields)
        }
    }

    /// Moves exactly `count` queued bytes to `output`.
    ///
    /// - Returns: False when a file turned out shorter than was promised.
    mutating func write(_ count: Int, into output: inout ByteBuffer) -> Bool {
        precondition(count <= queuedBytes, "\(count) bytes planned, \(queuedBytes) queued")
        var missing = count
        while missing > 0, let segment = segments.popFirst() {
            switch segment {
            case .memory(var buffer):
                let taken = min(missing, buffer.readableBytes)
                output.writeImmutableBuffer(buffer.readSlice(length: taken) ?? ByteBuffer())
                if buffer.readableBytes > 0 { segments.prepend(.memory(buffer)) }
                missing -= taken
            case .file(var slice):
                let taken = min(missing, slice.count)
                guard slice.read(taken, into: &output) else { return false }
                if slice.count > 0 { segments.prepend(.file(slice)) }
                missing -= taken
            }
        }
        queuedBytes -= count
        return true
    }
}
