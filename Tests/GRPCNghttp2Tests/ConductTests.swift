import NIOCore
import Testing

@testable import GRPCNghttp2

extension ByteBuffer {
    /// Appends one frame (RFC 9113 §4.1).
    mutating func writeFrame(
        _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []
    ) {
        writeInteger(UInt8(payload.count >> 16))
        writeMultipleIntegers(UInt16(payload.count & 0xffff), type, flags, stream)
        writeBytes(payload)
    }
}

@Suite("Frames are found before the codec acts on them")
struct FrameScannerTests {
    private let preface = [UInt8]("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private func connection() -> ByteBuffer {
        var bytes = ByteBuffer(bytes: preface)
        bytes.writeFrame(0x4)
        bytes.writeFrame(0x6, [UInt8](repeating: 0, count: 8))
        bytes.writeFrame(0x0, flags: 0x8, stream: 1, [2, 9, 0, 0])
        bytes.writeFrame(0x1, stream: 3, [1, 2, 3])
        bytes.writeFrame(0x9, flags: 0x4, stream: 3, [4])
        bytes.writeFrame(0xbb, [1])
        return bytes
    }

    @Test("They are the same ones wherever the bytes are cut", arguments: 1...40)
    func cuts(step: Int) {
        var bytes = connection()
        var scanner = FrameScanner(prefaceBytes: 24)
        var found: [FrameHead] = []
        while let piece = bytes.readSlice(length: min(step, bytes.readableBytes)),
            piece.readableBytes > 0
        {
            let accepted = scanner.scan(piece.readableBytesView) {
                found.append($0)
                return true
            }
            #expect(accepted == piece.readableBytes)
        }
        #expect(found.map(\.kind) == [.settings, .ping, .data, .headers, .continuation, nil])
        #expect(found.map(\.length) == [0, 8, 4, 3, 1, 1])
        #expect(found.map(\.padding) == [0, 0, 3, 0, 0, 0])
        #expect(scanner.unfinished == nil)
    }

    @Test(
        "A refused frame is cut off before its head, as far as that is in this read",
        arguments: 1...40)
    func refusal(step: Int) {
        var bytes = connection()
        let ping = preface.count + 9
        var scanner = FrameScanner(prefaceBytes: 24)
        var fed = 0
        while let piece = bytes.readSlice(length: step) {
            let accepted = scanner.scan(piece.readableBytesView) { $0.kind != .ping }
            fed += accepted
            if accepted < piece.readableBytes { break }
        }
        // Where its head begins, or where the read does that has the head's last byte.
        #expect(fed == max(ping, (ping + 8) / step * step))
    }

    @Test("What has begun and not ended is known: preface, head, payload, field block")
    func unfinished() {
        var scanner = FrameScanner(prefaceBytes: 24)
        func feed(_ bytes: [UInt8]) -> FrameScanner.Unfinished? {
            _ = scanner.scan(ByteBuffer(bytes: bytes).readableBytesView) { _ in true }
            return scanner.unfinished
        }
        #expect(scanner.unfinished == .start)
        #expect(feed(preface) == .start)
        #expect(feed([0, 0, 0, 4, 0, 0, 0, 0]) == .start)
        #expect(feed([0]) == nil)
        #expect(feed([0]) == .part(2))
        #expect(feed([0, 8, 6, 0, 0, 0, 0, 0]) == .part(2))
        #expect(feed([0, 0, 0, 0, 0, 0, 0, 0]) == nil)
        // Half a DATA frame is a message under way, which is another rule's.
        #expect(feed([0, 0, 2, 0, 0, 0, 0, 0, 1, 7]) == nil)
        #expect(feed([7]) == nil)
        #expect(feed([0, 0, 1, 1, 0, 0, 0, 0, 3, 7]) == .part(4))
        // One CONTINUATION after the other does not make the block a new one.
        #expect(feed([0, 0, 1, 9, 0, 0, 0, 0, 3, 7]) == .part(4))
        #expect(feed([0, 0, 1, 9, 4, 0, 0, 0, 3, 7]) == nil)
    }
}

@Suite("What costs its sender nothing is counted")
struct FrameMeterTests {
    private func head(_ kind: FrameHead.Kind?, flags: UInt8 = 0, length: Int = 0, padding: Int = 0)
        -> FrameHead
    {
        FrameHead(kind: kind, flags: flags, length: length, padding: padding)
    }

    /// How many of `frame` are taken at once.
    private func taken(
        _ frame: FrameHead, _ meter: inout FrameMeter, at now: NIODeadline = .uptimeNanoseconds(1)
    ) -> (count: Int, end: Misconduct?) {
        for count in 0..<20_000 {
            if let end = meter.received(frame, now: now) { return (count, end) }
        }
        return (20_000, nil)
    }

    @Test(
        "Each flood has a bound of its own",
        arguments: [
            (0x6, 0, 8, 200, Misconduct.pingFlood), (0x6, 1, 8, 200, .pingFlood),
            (0x4, 0, 0, 50, .settingsFlood), (0x4, 1, 0, 50, .settingsFlood),
            (0x0, 0, 0, 100, .emptyDataFlood), (0x8, 0, 4, 4096, .windowUpdateFlood),
            (0x2, 0, 5, 200, .otherFrameFlood), (0x10, 0, 5, 200, .otherFrameFlood),
            (0x3, 0, 4, 500, .resetFlood), (0x9, 0, 1, 8, .continuationFlood),
            (0x9, 0, 50_000, 1, .headerBlockTooLarge),
        ] as [(UInt8, UInt8, Int, Int, Misconduct)])
    func bounds(type: UInt8, flags: UInt8, length: Int, bound: Int, reason: Misconduct) {
        var meter = FrameMeter(ConductLimits(), frameBytesMax: 65536)
        let frame = head(FrameHead.Kind(rawValue: type), flags: flags, length: length)
        let (count, end) = taken(frame, &meter)
        #expect(count == bound)
        #expect(end == reason)
    }

    @Test(
        "Padding is nothing; an empty frame that ends its stream is something, and so is one byte")
    func emptyData() {
        var meter = FrameMeter(ConductLimits(), frameBytesMax: 65536)
        #expect(
            taken(head(.data, flags: 0x8, length: 8, padding: 8), &meter).end == .emptyDataFlood)
        #expect(taken(head(.data, flags: 0x9, length: 8, padding: 8), &meter).end == nil)
        #expect(taken(head(.data, flags: 0x8, length: 9, padding: 8), &meter).end == nil)
    }

    @Test("A frame that is too large is not judged: that is a frame size error")
    func tooLarge() {
        var meter = FrameMeter(ConductLimits(), frameBytesMax: 65536)
        #expect(meter.received(head(.headers, length: 1 << 20), now: .uptimeNanoseconds(1)) == nil)
    }

    @Test("Time and useful work give more, and never more than the burst")
    func earning() {
        var meter = FrameMeter(ConductLimits(), frameBytesMax: 65536)
        let ping = head(.ping, length: 8)
        #expect(taken(ping, &meter).count == 200)
        #expect(taken(ping, &meter, at: .uptimeNanoseconds(1_500_000_001)).count == 30)
        for _ in 0..<7 { meter.sentData(bytes: 100) }
        #expect(taken(ping, &meter, at: .uptimeNanoseconds(1_500_000_001)).count == 7)
        for _ in 0..<1000 { meter.sentHeaders() }
        #expect(taken(ping, &meter, at: .uptimeNanoseconds(1_500_000_001)).count == 200)
    }

    @Test("A reader that opens its window byte by byte earns nothing by the bytes it gets")
    func dribble() {
        var meter = FrameMeter(ConductLimits(), frameBytesMax: 65536)
        var taken = 0
        while meter.received(head(.windowUpdate, length: 4), now: .uptimeNanoseconds(1)) == nil {
            taken += 1
            meter.sentData(bytes: 1)
            guard taken < 10_000 else { break }
        }
        #expect((4096..<4200).contains(taken))
    }
}

@Suite("What does not move is given up")
struct ConnectionWatchTests {
    private func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test("A stream that waits for the limit is stalled, unless enough has moved")
    func streams() {
        var watch = StallWatch<Int32>(limit: .seconds(60), bytesMin: 1024)
        #expect(watch.stalled(among: [1, 3, 5], now: time(0)) == [])
        watch.moved(1, bytes: 1024)
        // Windows of one byte: movement of a kind.
        for _ in 0..<1000 { watch.moved(3, bytes: 1) }
        #expect(watch.stalled(among: [1, 3, 5], now: time(59)) == [])
        #expect(watch.stalled(among: [1, 3, 5], now: time(60)) == [3, 5])
        #expect(watch.stalled(among: [1], now: time(118)) == [])
        #expect(watch.stalled(among: [1], now: time(119)) == [1])
    }

    @Test("One that waits for nothing in between starts afresh")
    func pauses() {
        var watch = StallWatch<Int32>(limit: .seconds(60), bytesMin: 1)
        #expect(watch.stalled(among: [1], now: time(0)) == [])
        #expect(watch.stalled(among: [], now: time(50)) == [])
        #expect(watch.stalled(among: [1], now: time(70)) == [])
        #expect(watch.stalled(among: [1], now: time(129)) == [])
        #expect(watch.stalled(among: [1], now: time(130)) == [1])
    }

    @Test("A frame has its time from its first byte, whatever else comes meanwhile")
    func slow() {
        var watch = ConnectionWatch(ConductLimits())
        #expect(!watch.isNeeded)
        watch.note(.start, now: time(0))
        #expect(watch.slow(now: time(9)) == nil)
        #expect(watch.slow(now: time(10)) == .slowStart)
        watch.note(.part(4), now: time(10))
        watch.note(.part(4), now: time(15))
        #expect(watch.slow(now: time(19)) == nil)
        #expect(watch.slow(now: time(20)) == .slowHeaders)
        watch.note(.part(5), now: time(20))
        #expect(watch.slow(now: time(29)) == nil)
        watch.note(nil, now: time(29))
        #expect(watch.slow(now: time(60)) == nil)
    }

    @Test("A socket is stalled when it takes too little for too long")
    func socket() {
        var watch = ConnectionWatch(ConductLimits())
        let facts: [(unsent: Int?, second: Int64, isStalled: Bool)] = [
            (5000, 0, false), (4000, 59, false), (3976, 60, false), (3000, 119, false),
            (2953, 120, true), (nil, 121, false), (2953, 122, false), (2953, 181, false),
            (2953, 182, true),
        ]
        for fact in facts {
            #expect(watch.isStalled(unsent: fact.unsent, now: time(fact.second)) == fact.isStalled)
        }
    }
}

@Suite("A field section is held to its bounds")
struct HeaderListTests {
    private func verdicts(octets: Int, count: Int) -> [HeaderList.Verdict] {
        var list = HeaderList()
        return (0..<count).map { _ in
            list.add(octets: octets, bytesMax: 1000, fieldsMax: 10) { HeaderField("a", "b") }
        }
    }

    @Test("Fields over the number are left out; many times as many are hopeless")
    func number() {
        let seen = verdicts(octets: 1, count: 81)
        #expect(seen[..<10].allSatisfy { $0 == .kept })
        #expect(seen[10..<80].allSatisfy { $0 == .leftOut })
        #expect(seen[80] == .hopeless)
    }

    @Test("So are bytes, 32 a field on top, and nothing is copied of what is left out")
    func bytes() {
        var list = HeaderList()
        var copies = 0
        var seen: [HeaderList.Verdict] = []
        for _ in 0..<9 {
            seen.append(
                list.add(octets: 968, bytesMax: 1000, fieldsMax: 10) {
                    copies += 1
                    return HeaderField("a", "b")
                })
        }
        #expect(seen == [.kept] + [HeaderList.Verdict](repeating: .leftOut, count: 7) + [.hopeless])
        #expect(copies == 1)
        #expect(list.isTooLarge)
    }
}
