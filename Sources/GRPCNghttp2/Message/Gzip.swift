import CZlib
import NIOCore

/// The gzip format (RFC 1952) by the distribution's zlib: one message in, one message out.
///
/// zlib keeps a pointer to its `z_stream`, which therefore stays at one address: all that is done with it
/// happens inside one `withUnsafeMutablePointer`. It keeps no pointer to input or output.
enum Gzip {
    enum Failure: Error, Equatable {
        /// What comes out would be larger than this many bytes; no more than that was ever held.
        case tooLarge(limit: Int)
        /// The sender's fault: no gzip, a wrong checksum, an early end, or bytes after the end.
        case damaged
    }

    /// - Returns: `input` as one member of a gzip file, or nil when that is no shorter.
    static func compress(_ input: ByteBuffer) -> ByteBuffer? {
        var stream = z_stream()
        return withUnsafeMutablePointer(to: &stream) { stream in
            // Fails for want of memory alone.
            precondition(gzip_deflate_init(stream, Z_DEFAULT_COMPRESSION) == Z_OK, "zlib")
            defer { deflateEnd(stream) }
            // Room for what is shorter: where it does not fit, it is not wanted.
            var output = ByteBufferAllocator().buffer(capacity: input.readableBytes)
            let isDone = input.withUnsafeReadableBytes { bytes in
                feed(bytes, to: stream)
                return step(stream, into: &output, room: input.readableBytes) {
                    deflate($0, Z_FINISH) == Z_STREAM_END
                }
            }
            return isDone && output.readableBytes < input.readableBytes ? output : nil
        }
    }

    /// - Parameter limit: Most bytes that may come out.
    static func decompress(_ input: ByteBuffer, limit: Int) throws(Failure) -> ByteBuffer {
        var stream = z_stream()
        let result = withUnsafeMutablePointer(to: &stream) { stream in
            precondition(gzip_inflate_init(stream) == Z_OK, "zlib")
            defer { inflateEnd(stream) }
            return input.withUnsafeReadableBytes { bytes in
                feed(bytes, to: stream)
                return inflateAll(stream, limit: limit)
            }
        }
        return try result.get()
    }

    private static func inflateAll(
        _ stream: z_streamp, limit: Int
    ) -> Result<ByteBuffer, Failure> {
        var output = ByteBuffer()
        while true {
            // One byte over the limit tells that there is more.
            let room = limit - output.readableBytes + 1
            guard room > 0 else { return .failure(.tooLarge(limit: limit)) }
            let before = output.readableBytes
            var code = Z_OK
            let hasEnded = step(stream, into: &output, room: min(room, max(before, 4096))) {
                code = inflate($0, Z_NO_FLUSH)
                return code == Z_STREAM_END
            }
            guard output.readableBytes <= limit else { return .failure(.tooLarge(limit: limit)) }
            if hasEnded {
                return stream.pointee.avail_in == 0 ? .success(output) : .failure(.damaged)
            }
            // Z_BUF_ERROR: it wants input, and there is none.
            guard code == Z_OK, output.readableBytes > before || stream.pointee.avail_in > 0 else {
                return .failure(.damaged)
            }
        }
    }

    private static func feed(_ bytes: UnsafeRawBufferPointer, to stream: z_streamp) {
        // Only read from, although zlib's declaration does not say so.
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
        stream.pointee.avail_in = UInt32(bytes.count)
    }

    /// Lets `work` write at most `room` bytes behind `output`.
    private static func step(
        _ stream: z_streamp, into output: inout ByteBuffer, room: Int,
        _ work: (z_streamp) -> Bool
    ) -> Bool {
        var isDone = false
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
            let target = UnsafeMutableRawBufferPointer(rebasing: space.prefix(room))
            stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(room)
            isDone = work(stream)
            return room - Int(stream.pointee.avail_out)
        }
        return isDone
    }
}
