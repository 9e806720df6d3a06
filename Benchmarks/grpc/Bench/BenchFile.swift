import GRPCCore
import GRPCNghttp2
import NIOCore
import SystemPackage

/// The file that is served, open for as long as the program runs.
final class BenchFile: OpenFileDescriptor {
    let descriptor: SystemPackage.FileDescriptor
    /// Bytes.
    let size: Int64

    init(path: String) throws {
        descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
        size = try descriptor.seek(offset: 0, from: .end)
    }
}

/// A message with one field, 15, whose value is a piece of the file.
struct FilePiece: Sendable {
    let file: BenchFile
    let offset: Int64
    let count: Int

    /// Field 15, length-delimited, and the length (protobuf.dev, "Encoding").
    fileprivate var head: [UInt8] {
        var head: [UInt8] = [15 << 3 | 2]
        var rest = count
        while rest > 0x7f {
            head.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return head + [UInt8(rest)]
    }
}

/// Hands our transport the file's piece, and any other the bytes, read to where that transport keeps them.
struct FilePieceSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ piece: FilePiece) throws -> Bytes {
        let slice = FileSlice(file: piece.file, offset: piece.offset, count: piece.count)
        if let own = MessageBytes(head: piece.head, tail: slice) as? Bytes { return own }
        let head = piece.head
        var bytes = Bytes(repeating: 0, count: head.count + piece.count)
        try bytes.withUnsafeMutableBytes { target in
            target.copyBytes(from: head)
            var filled = head.count
            while filled < target.count {
                let space = UnsafeMutableRawBufferPointer(rebasing: target[filled...])
                let position = piece.offset + Int64(filled - head.count)
                let count = try piece.file.descriptor.read(
                    fromAbsoluteOffset: position, into: space)
                guard count > 0 else { throw RPCError(code: .dataLoss, message: "file too short") }
                filled += count
            }
        }
        return bytes
    }
}

/// Passes a message on as a number: how many bytes it has. Nothing is decoded or copied.
struct ByteCounter: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> Int {
        if let own = bytes as? MessageBytes { return own.count }
        return bytes.withUnsafeBytes(\.count)
    }
}

/// A message that is there as bytes.
struct RawSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes { Bytes(message) }
}
