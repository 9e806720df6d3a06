import NIOCore

/// The head of a frame (RFC 9113 §4.1).
struct FrameHead: Equatable {
    enum Kind: UInt8 {
        case data = 0x0
        case headers = 0x1
        case priority = 0x2
        case reset = 0x3
        case settings = 0x4
        case pushPromise = 0x5
        case ping = 0x6
        case goaway = 0x7
        case windowUpdate = 0x8
        case continuation = 0x9
    }

    /// nil: a type that RFC 9113 does not define.
    var kind: Kind?
    var flags: UInt8
    var stream: Int32 = 0
    /// Bytes of the payload.
    var length: Int
    /// Bytes of the payload that are padding, with the one that says how many.
    var padding: Int

    /// Of DATA and HEADERS.
    var endsStream: Bool { flags & 0x1 != 0 }
    /// Of HEADERS, PUSH_PROMISE and CONTINUATION.
    var endsBlock: Bool { flags & 0x4 != 0 }
}

/// Finds where frames begin in what arrives, before libnghttp2 does anything about them.
///
/// libnghttp2 has no callback for what it ignores and none for the end of a field block that it refuses,
/// and acts on a whole read before its caller can count. Here every frame is seen, and whoever counts can stop
/// the feeding right before the frame that is too much. Nothing else is judged: that is libnghttp2's.
/// Pure; holds ten bytes.
struct FrameScanner {
    /// Something that was begun and has not ended.
    enum Unfinished: Equatable {
        /// The connection preface, or the first frame.
        case start
        /// A frame other than DATA, or a field block; numbered so that two can be told apart.
        case part(Int)
    }

    private static let headBytes = 9

    /// The head of the next frame as far as it is in; and, of padded DATA, the byte after it.
    private var head: [UInt8] = []
    /// Bytes that are left of the client's preface or of the current frame's payload.
    private var skipping: Int
    private var current: FrameHead?
    /// Frames that have begun.
    private var begun = 0
    private var isFirstFrameDone = false
    /// The number of the frame that began the field block that is open.
    private var openBlock: Int?

    /// - Parameter prefaceBytes: What comes before the first frame: 24 from a client, 0 from a server.
    init(prefaceBytes: Int) {
        skipping = prefaceBytes
        head.reserveCapacity(Self.headBytes + 1)
    }

    var unfinished: Unfinished? {
        guard isFirstFrameDone else { return .start }
        if let openBlock { return .part(openBlock) }
        if !head.isEmpty { return .part(begun + 1) }
        return current.flatMap { $0.kind == .data ? nil : .part(begun) }
    }

    /// Looks at the next bytes of the connection.
    ///
    /// - Parameter accept: Asked for each frame whose head is complete.
    /// - Returns: How many of `bytes` come before the frame that was not accepted; all of them when none was
    ///   refused. Nothing may be scanned after a refusal.
    mutating func scan(_ bytes: ByteBufferView, accept: (FrameHead) -> Bool) -> Int {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if skipping > 0 {
                let skipped = min(skipping, bytes.endIndex - index)
                index += skipped
                skipping -= skipped
                if skipping == 0 { endFrame() }
                continue
            }
            head.append(bytes[index])
            index += 1
            guard let frame = wholeHead() else { continue }
            guard accept(frame) else {
                // Its head may have begun in an earlier read.
                return max(0, index - head.count - bytes.startIndex)
            }
            begin(frame)
        }
        return bytes.count
    }

    private func wholeHead() -> FrameHead? {
        guard head.count >= Self.headBytes else { return nil }
        var frame = FrameHead(
            kind: FrameHead.Kind(rawValue: head[3]), flags: head[4],
            stream: Int32(head[5] & 0x7f) << 24 | Int32(head[6]) << 16 | Int32(head[7]) << 8
                | Int32(head[8]),
            length: Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2]), padding: 0)
        guard frame.kind == .data, frame.flags & 0x8 != 0, frame.length > 0 else { return frame }
        guard head.count > Self.headBytes else { return nil }
        frame.padding = 1 + Int(head[Self.headBytes])
        return frame
    }

    private mutating func begin(_ frame: FrameHead) {
        begun += 1
        switch frame.kind {
        case .headers, .pushPromise: openBlock = begun
        case .data, .priority, .reset, .settings, .ping, .goaway, .windowUpdate, .continuation, nil:
            break
        }
        current = frame
        skipping = frame.length - (head.count - Self.headBytes)
        head.removeAll(keepingCapacity: true)
        if skipping == 0 { endFrame() }
    }

    private mutating func endFrame() {
        // The preface is no frame.
        guard let frame = current.take() else { return }
        isFirstFrameDone = true
        switch frame.kind {
        case .headers, .pushPromise, .continuation:
            if frame.endsBlock { openBlock = nil }
        case .data, .priority, .reset, .settings, .ping, .goaway, .windowUpdate, nil:
            break
        }
    }
}
