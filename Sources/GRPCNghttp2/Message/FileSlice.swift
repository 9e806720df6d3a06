import NIOCore
import SystemPackage

/// A range of an open file that is still to be sent.
package struct FileSlice: Sendable {
    /// Keeps the descriptor open while a slice of it is queued.
    package let file: any OpenFileDescriptor
    package private(set) var offset: Int64
    /// Bytes that are left.
    package private(set) var count: Int

    package init(file: any OpenFileDescriptor, offset: Int64, count: Int) {
        precondition(offset >= 0 && count >= 0, "slice \(offset)+\(count)")
        self.file = file
        self.offset = offset
        self.count = count
    }

    /// Takes the next `wanted` bytes and appends them to `output`.
    ///
    /// A short `pread` is not the end of the file: it is asked again until it gives nothing.
    ///
    /// - Returns: False when the file ends early or cannot be read; `output` then holds a part.
    mutating func read(_ wanted: Int, into output: inout ByteBuffer) -> Bool {
        precondition(wanted <= count, "\(wanted) bytes of a slice with \(count)")
        var missing = wanted
        while missing > 0 {
            let position = offset
            let descriptor = file.descriptor
            let received = output.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) {
                space in
                let target = UnsafeMutableRawBufferPointer(rebasing: space.prefix(missing))
                do {
                    return try descriptor.read(
                        fromAbsoluteOffset: position, into: target, retryOnInterrupt: true)
                } catch {
                    return 0
                }
            }
            guard received > 0 else { return false }
            offset += Int64(received)
            count -= received
            missing -= received
        }
        return true
    }
}

/// A file that stays open as long as somebody holds this object.
package protocol OpenFileDescriptor: AnyObject, Sendable {
    var descriptor: SystemPackage.FileDescriptor { get }
}
