import CLinux
import Glibc
import SystemPackage

/// An open regular file; closed when the last reference to it goes.
///
/// Its calls block the calling thread for as long as the disk takes. They are safe from any
/// thread, because none of them uses the file offset.
package final class OpenFile: Sendable {
    /// As it was asked for, for messages.
    package let path: String
    /// For calls like sendfile(2); borrowed, valid as long as this object is.
    package let descriptor: FileDescriptor

    /// Takes over `descriptor`, and closes it also when this throws.
    ///
    /// - Throws: `notARegularFile` for anything else.
    package init(taking descriptor: FileDescriptor, path: String) throws(RootedFileError) {
        self.descriptor = descriptor
        self.path = path
        guard try status().kind == .regular else {
            throw RootedFileError(path: path, reason: .notARegularFile)
        }
    }

    deinit {
        descriptor.closeUnwritten()
    }

    package func status() throws(RootedFileError) -> FileStatus {
        try attempt { () throws(Errno) in try FileSystemCalls.status(of: descriptor) }
    }

    /// Reads up to `buffer.count` bytes into its beginning.
    ///
    /// - Parameter offset: From the start of the file, in bytes.
    /// - Returns: Bytes read; fewer than asked for only at the end of the file.
    package func read(
        into buffer: inout [UInt8], at offset: Int64
    ) throws(RootedFileError) -> Int {
        let result = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(RootedFileError) in try read(into: bytes, at: offset) }
        }
        return try result.get()
    }

    /// As the other, for callers that pool their memory.
    package func read(
        into bytes: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(RootedFileError) -> Int {
        try transfer(bytes.count) { done in
            pread(
                descriptor.rawValue, bytes.baseAddress?.advanced(by: done), bytes.count - done,
                off_t(offset) + done)
        }
    }

    /// Writes all of `bytes`.
    package func write(_ bytes: [UInt8], at offset: Int64) throws(RootedFileError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(RootedFileError) in try write(bytes, at: offset) }
        }
        try result.get()
    }

    /// As the other, of memory that is no array.
    package func write(_ bytes: RawSpan, at offset: Int64) throws(RootedFileError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(RootedFileError) in try write(bytes, at: offset) }
        }
        try result.get()
    }

    /// As the other, for callers that pool their memory.
    package func write(
        _ bytes: UnsafeRawBufferPointer, at offset: Int64
    ) throws(RootedFileError) {
        let written = try transfer(bytes.count) { done in
            pwrite(
                descriptor.rawValue, bytes.baseAddress?.advanced(by: done), bytes.count - done,
                off_t(offset) + done)
        }
        precondition(written == bytes.count, "pwrite(2) wrote nothing to \(path)")
    }

    /// Lets bytes that were written begin their way to the disk, so that ``datasync()`` finds little left to
    /// wait for. Only advice: what fails is for `datasync` to say.
    package func beginWriteback(from offset: Int64, count: Int) {
        _ = clinux_begin_writeback(descriptor.rawValue, off_t(offset), off_t(count))
    }

    /// fdatasync(2): bytes and size survive a crash from here on.
    package func datasync() throws(RootedFileError) {
        try attempt { () throws(Errno) in
            try FileSystemCalls.check(fdatasync(descriptor.rawValue))
        }
    }

    package func truncate(to size: Int64) throws(RootedFileError) {
        try attempt { () throws(Errno) in
            try FileSystemCalls.check(ftruncate(descriptor.rawValue, off_t(size)))
        }
    }

    /// Reserves the blocks for `size` bytes, so that a full disk shows before the first byte.
    ///
    /// The size of the file stays. File systems that cannot reserve (EOPNOTSUPP) are let pass:
    /// there the write itself will say that the disk is full.
    package func preallocate(_ size: Int64) throws(RootedFileError) {
        guard size > 0 else { return }
        try attempt { () throws(Errno) in
            do throws(Errno) {
                try FileSystemCalls.check(clinux_reserve(descriptor.rawValue, off_t(size)))
            } catch .notSupported {
                return
            }
        }
    }

    /// Sets mtime, and atime to the same.
    package func setModified(_ time: FileStatus.Timestamp) throws(RootedFileError) {
        let time = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
        try attempt { () throws(Errno) in
            let times = [time, time]
            try FileSystemCalls.check(futimens(descriptor.rawValue, times))
        }
    }

    func setPermissions(_ permissions: UInt32) throws(RootedFileError) {
        try attempt { () throws(Errno) in
            try FileSystemCalls.check(fchmod(descriptor.rawValue, permissions))
        }
    }

    /// Repeats `call` with the count so far until `count` bytes are done or it says 0.
    private func transfer(
        _ count: Int, _ call: (_ done: Int) -> Int
    ) throws(RootedFileError) -> Int {
        var done = 0
        while done < count {
            let step = call(done)
            if step > 0 {
                done += step
            } else if step == 0 {
                break
            } else if errno != EINTR {
                throw RootedFileError(path: path, errno: Errno(rawValue: errno))
            }
        }
        return done
    }

    private func attempt<Value>(
        _ body: () throws(Errno) -> Value
    ) throws(RootedFileError) -> Value {
        do {
            return try body()
        } catch {
            throw RootedFileError(path: path, errno: error)
        }
    }
}
