import NIOCore

/// Serialised frames that go to the socket in one write, and the piece of a file that follows them.
struct OutputBlock {
    var bytes: ByteBuffer
    /// The payload's end of the last frame, for the kernel to send behind `bytes`.
    private(set) var file: FileSlice?

    /// Bytes from which on no further frame is begun.
    private let bytesMax: Int
    private let frameBytesMax: Int
    private let fileBytesMax: Int

    /// - Parameters:
    ///   - bytes: Empty; its capacity is best `bytesMax`.
    ///   - frameBytesMax: Largest payload of a DATA frame that goes through memory.
    ///   - fileBytesMax: Largest piece of a file for the kernel to send; 0: none.
    init(_ bytes: ByteBuffer, bytesMax: Int, frameBytesMax: Int, fileBytesMax: Int) {
        self.bytes = bytes
        self.bytesMax = bytesMax
        self.frameBytesMax = frameBytesMax
        self.fileBytesMax = fileBytesMax
    }

    /// One that takes nothing.
    init() {
        self.init(ByteBuffer(), bytesMax: 0, frameBytesMax: 0, fileBytesMax: 0)
    }

    var isEmpty: Bool { bytes.readableBytes == 0 }

    /// A last small frame would cost as much as a whole one.
    var isFull: Bool { file != nil || bytes.readableBytes + Self.leastRoomBytes > bytesMax }

    private static let leastRoomBytes = 2 * 1024

    /// Begins a DATA frame, which has the block until it is put back.
    mutating func takeFrame(limit: Int) -> DataFrame {
        // One byte at least, so that a frame in a block that is nearly full is not an empty one.
        let room = max(1, bytesMax - bytes.readableBytes - DataFrame.headerBytes)
        var frame = DataFrame(
            limit: limit, memoryBytesMax: min(frameBytesMax, room), fileBytesMax: fileBytesMax)
        // Not copied: a second reference would make the next write copy all of the block.
        swap(&frame.block, &bytes)
        frame.block.writeRepeatingByte(0, count: DataFrame.headerBytes)
        return frame
    }

    /// Takes the block back, with the frame's header set before its payload.
    mutating func put(_ frame: inout DataFrame, header: UnsafeRawBufferPointer) {
        swap(&frame.block, &bytes)
        let payload = frame.count - (frame.file?.count ?? 0)
        bytes.setBytes(
            header, at: bytes.writerIndex - payload - DataFrame.headerBytes)
        file = frame.file
    }

    /// Takes the block back without the frame.
    mutating func discard(_ frame: inout DataFrame) {
        swap(&frame.block, &bytes)
        bytes.moveWriterIndex(to: bytes.writerIndex - frame.count - DataFrame.headerBytes)
    }
}
