import GRPCCore
import GRPCNghttp2
import RootedFiles

extension OpenFile: OpenFileDescriptor {}

/// A message whose last field is a piece of a file.
///
/// Protobuf parsers take fields in any order (protobuf.dev, "Field Order"), so the payload goes last and
/// is sent from the file as it is.
struct FileChunk: Sendable {
    /// The message up to the payload's bytes.
    let head: [UInt8]
    let payload: FileSlice

    /// `p2p.v1.DownloadReply`.
    static func reply(offset: Int64, _ payload: FileSlice) -> FileChunk {
        var head = ProtobufHead()
        head.appendVarint(field: 1, UInt64(offset))
        head.appendLength(field: 15, payload.count)
        return FileChunk(head: head.bytes, payload: payload)
    }

    /// `peer.UploadChunk`; the first has the file's name.
    static func uploaded(_ name: String?, _ payload: FileSlice) -> FileChunk {
        var head = ProtobufHead()
        if let name {
            head.appendLength(field: 1, name.utf8.count)
            head.append(name.utf8)
        }
        head.appendLength(field: 2, payload.count)
        return FileChunk(head: head.bytes, payload: payload)
    }

    /// `filetransfer.FileChunk`.
    static func numbered(_ sequence: Int64, _ payload: FileSlice) -> FileChunk {
        var head = ProtobufHead()
        head.appendVarint(field: 2, UInt64(sequence))
        head.appendLength(field: 1, payload.count)
        return FileChunk(head: head.bytes, payload: payload)
    }
}

extension FileChunk {
    /// `peer.Chunk`.
    static func bare(_ payload: FileSlice) -> FileChunk {
        var head = ProtobufHead()
        head.appendLength(field: 1, payload.count)
        return FileChunk(head: head.bytes, payload: payload)
    }
}

/// Field headers of a protobuf message (protobuf.dev, "Encoding").
private struct ProtobufHead {
    private(set) var bytes: [UInt8] = []

    mutating func appendVarint(field: UInt64, _ value: UInt64) {
        appendVarint(field << 3)
        appendVarint(value)
    }

    mutating func appendLength(field: UInt64, _ count: Int) {
        appendVarint(field << 3 | 2)
        appendVarint(UInt64(count))
    }

    mutating func append(_ payload: String.UTF8View) {
        bytes += payload
    }

    private mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest > 0x7f {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Hands the file itself to our transport; any other gets the bytes.
struct FileChunkSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: FileChunk) throws -> Bytes {
        let bytes = MessageBytes(head: message.head, tail: message.payload)
        if let own = bytes as? Bytes { return own }
        return bytes.withUnsafeBytes { Bytes($0) }
    }
}

/// A range of a file on its way to somebody.
struct FileSending {
    let file: OpenFile
    /// What the file was when the range was chosen.
    let status: FileStatus
    let range: Range<Int64>
    let chunkBytes: Int

    /// Writes the range chunk by chunk, waiting while the receiver is slow.
    ///
    /// - Throws: ABORTED when the file is no longer what ``status`` says: a receiver must not take a
    ///   mix of two contents, or a part of the new one, for either.
    func write(
        into writer: RPCWriter<FileChunk>,
        _ makeChunk: (_ number: Int64, _ offset: Int64, FileSlice) -> FileChunk
    ) async throws {
        var offset = range.lowerBound
        var number: Int64 = 0
        while offset < range.upperBound {
            let count = min(Int64(chunkBytes), range.upperBound - offset)
            number += 1
            let slice = FileSlice(file: file, offset: offset, count: Int(count))
            try await writer.write(makeChunk(number, offset, slice))
            offset += count
        }
        guard try file.status().hasSameContent(as: status) else {
            throw RPCError(code: .aborted, message: "\(file.path) changed while it was sent")
        }
    }
}
