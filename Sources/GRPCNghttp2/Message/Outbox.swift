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

    /// How a frame was filled.
    enum Filling {
        case plan(DataPlan)
        /// The frame has what there was before a part of a file that is not in memory.
        case needsFetch(DataPlan)
        /// A file turned out shorter than was promised, or cannot be read.
        case fileEnded
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
        let tailBytes = message.tail?.count ?? 0
        framed.reserveCapacity(MessageDeframer.prefixBytes + message.count - tailBytes)
        framed.writeMultipleIntegers(
            UInt8(message.isEncoded ? 1 : 0), UInt32(message.count))
        for piece in message.pieces { framed.writeImmutableBuffer(piece) }
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

    /// Moves what fits from the queue into `frame`.
    mutating func fill(_ frame: inout DataFrame) -> Filling {
        while let segment = segments.popFirst() {
            switch segment {
            case .memory(let buffer): take(buffer, &frame)
            case .file(let slice):
                switch take(slice, &frame) {
                case .bytes: break
                case .notResident: return .needsFetch(plan(frame))
                case .fileEnded: return .fileEnded
                }
            }
            if frame.memoryRoom == 0 { break }
        }
        return .plan(plan(frame))
    }

    private func plan(_ frame: DataFrame) -> DataPlan {
        guard segments.isEmpty, let end else { return frame.count == 0 ? .deferred : .more }
        switch end {
        case .streamEnd: return .last(trailers: nil)
        case .trailers(let fields): return .last(trailers: fields)
        }
    }

    private mutating func take(_ buffer: ByteBuffer, _ frame: inout DataFrame) {
        var rest = buffer
        let count = min(frame.memoryRoom, rest.readableBytes)
        if let part = rest.readSlice(length: count) { frame.block.writeImmutableBuffer(part) }
        frame.appended(count)
        queuedBytes -= count
        if rest.readableBytes > 0 { segments.prepend(.memory(rest)) }
    }

    private mutating func take(_ slice: FileSlice, _ frame: inout DataFrame) -> FileSlice.Reading {
        var rest = slice
        let reading = frame.add(from: &rest)
        if case .bytes(let count) = reading { queuedBytes -= count }
        if rest.count > 0 { segments.prepend(.file(rest)) }
        return reading
    }

    /// The part of a file that stands at the front of the queue, to be brought into memory.
    mutating func fetch(on eventLoop: any EventLoop) -> EventLoopFuture<Void>? {
        guard case .file(var slice) = segments.first else { return nil }
        let fetched = slice.fetch(on: eventLoop)
        segments[0] = .file(slice)
        return fetched
    }
}

extension DataFrame {
    /// Takes as much of a file as fits and is in memory.
    fileprivate mutating func add(from slice: inout FileSlice) -> FileSlice.Reading {
        let fileRoom = fileRoom(for: slice.count)
        guard fileRoom > 0 else {
            guard memoryRoom > 0 else { return .bytes(0) }
            let reading = slice.read(min(memoryRoom, slice.count), into: &block)
            if case .bytes(let count) = reading { appended(count) }
            return reading
        }
        switch slice.residency(of: fileRoom) {
        case .notResident: return .notResident
        case .fileEnded: return .fileEnded
        case .resident:
            append(slice.takePrefix(fileRoom))
            return .bytes(fileRoom)
        }
    }
}
