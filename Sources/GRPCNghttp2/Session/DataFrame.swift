import NIOCore

/// One DATA frame while its payload is laid out: bytes first, then perhaps a piece of a file.
struct DataFrame {
    /// The block that is to be written: earlier frames, room for this frame's header, and what of its
    /// payload goes through memory.
    var block = ByteBuffer()
    /// The end of the payload, which the kernel takes from the file. The frame is full with it.
    private(set) var file: FileSlice?
    /// Payload bytes that the windows and the other side's SETTINGS_MAX_FRAME_SIZE still allow.
    private(set) var room: Int
    private var memoryBytesLeft: Int
    private let fileBytesMax: Int
    /// Payload bytes so far.
    private(set) var count = 0

    /// A smaller piece is read and written with what is around it: that is one system call for
    /// several pieces (measured, shared figures: 64 KiB pieces by sendfile are slower than read).
    static let fileBytesMin = 256 * 1024
    /// RFC 9113 §4.1.
    static let headerBytes = 9

    /// - Parameters:
    ///   - limit: As ``room``.
    ///   - memoryBytesMax: Most payload bytes that go through memory.
    ///   - fileBytesMax: Largest piece of a file that the kernel is to send; 0: none.
    init(limit: Int, memoryBytesMax: Int, fileBytesMax: Int) {
        room = limit
        memoryBytesLeft = memoryBytesMax
        self.fileBytesMax = fileBytesMax
    }

    /// Bytes of a buffer, or of a file that is read, which this frame still takes.
    var memoryRoom: Int { file == nil ? min(room, memoryBytesLeft) : 0 }

    /// Bytes of a file with so many left which the kernel may add to this frame; 0: read them.
    func fileRoom(for left: Int) -> Int {
        let count = min(left, room, fileBytesMax)
        return file == nil && count >= Self.fileBytesMin ? count : 0
    }

    /// Counts payload that was appended to the block.
    mutating func appended(_ bytes: Int) {
        count += bytes
        room -= bytes
        memoryBytesLeft -= bytes
    }

    mutating func append(_ piece: FileSlice) {
        precondition(file == nil && piece.count <= room, "\(piece.count) bytes into \(room)")
        file = piece
        count += piece.count
        room -= piece.count
    }
}

/// What a stream has put into its next DATA frame, and how it goes on.
enum DataPlan {
    /// Nothing to send now; ``HTTP2Session/resume(_:)`` asks again.
    case deferred
    case more
    /// The body ends with this frame; trailers follow it, or it has END_STREAM.
    case last(trailers: [HeaderField]?)
    /// The body cannot go on, reset the stream.
    case failed
}
