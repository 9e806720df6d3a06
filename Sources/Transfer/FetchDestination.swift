import Glibc
import RootedFiles
import SystemPackage

/// Where a fetched file goes. Calls block for as long as the disk takes; one at a time, but that pieces
/// are read and written by several threads at once.
package protocol FetchDestination: Sendable {
    /// For messages.
    var path: String { get }

    /// For messages: the directory whose disk it is on, or the file itself.
    var place: String { get }

    /// Opens the partial file, or begins it.
    ///
    /// - Returns: Bytes of an earlier run, to be proved and continued.
    /// - Throws: ``FetchError``: `disk`; `alreadyExists` where that is known beforehand.
    func open() throws(FetchError) -> Int64

    /// Bytes of the partial file, holes among them.
    func length() throws(RootedFileError) -> Int64

    /// Makes sure of the room for `size` bytes where the file system can.
    func reserve(_ size: Int64) throws(RootedFileError)

    /// - Returns: Bytes read; fewer than `buffer.count` only at the end.
    func read(into buffer: inout [UInt8], at offset: Int64) throws(RootedFileError) -> Int
    func write(_ bytes: RawSpan, at offset: Int64) throws(RootedFileError)
    func truncate(to size: Int64) throws(RootedFileError)

    /// Makes the verified bytes durable and gives them their name.
    ///
    /// - Throws: reason `exists` when the name is taken and must not be replaced.
    func publish() throws(RootedFileError)

    /// Gives the room of the partial file back. After `open`, instead of `publish`.
    func discard() throws(RootedFileError)

    /// Ends the use of the partial file; it is called once, whatever came before.
    func close()
}

extension FetchDestination {
    func diskError(_ cause: RootedFileError) -> FetchError {
        .disk(DiskError(place: place, cause: cause))
    }

    /// What was reserved and not written is nobody's any more: truncate(2) frees it.
    func releaseReserve() throws(RootedFileError) {
        try truncate(to: length())
    }
}

/// The caller's own open file (`p2padm get --output`). It has its name already, so publishing is
/// only making it durable.
package struct DescriptorDestination: FetchDestination {
    package let path: String
    package let place: String
    private let descriptor: FileDescriptor
    private let resume: Bool

    /// - Parameters:
    ///   - descriptor: Open for reading and writing, a regular file; stays the caller's to close,
    ///     and has to stay open until the fetch has returned.
    ///   - resume: Whether the bytes that are there are the beginning of this file.
    package init(descriptor: FileDescriptor, path: String, resume: Bool) {
        self.descriptor = descriptor
        self.path = path
        self.resume = resume
        place = Self.name(of: descriptor) ?? path
    }

    package func open() throws(FetchError) -> Int64 {
        do {
            if resume { return try length() }
            try truncate(to: 0)
            return 0
        } catch {
            throw diskError(error)
        }
    }

    package func length() throws(RootedFileError) -> Int64 {
        try attempt { try descriptor.seek(offset: 0, from: .end) }
    }

    /// The caller's file system is its own affair: a full disk shows with the write.
    package func reserve(_ size: Int64) {}

    package func read(
        into buffer: inout [UInt8], at offset: Int64
    ) throws(RootedFileError) -> Int {
        try attempt {
            try buffer.withUnsafeMutableBytes {
                try descriptor.read(fromAbsoluteOffset: offset, into: $0)
            }
        }
    }

    package func write(_ bytes: RawSpan, at offset: Int64) throws(RootedFileError) {
        _ = try attempt {
            try bytes.withUnsafeBytes { try descriptor.writeAll(toAbsoluteOffset: offset, $0) }
        }
    }

    package func truncate(to size: Int64) throws(RootedFileError) {
        try attempt { try descriptor.resize(to: size) }
    }

    package func publish() throws(RootedFileError) {
        try attempt {
            if fdatasync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
        }
    }

    /// The file is the caller's, who removes it when it is empty.
    package func discard() throws(RootedFileError) {
        try truncate(to: 0)
    }

    /// The descriptor is the caller's.
    package func close() {}

    /// What the kernel calls an open file; proc(5), /proc/pid/fd.
    private static func name(of descriptor: FileDescriptor) -> String? {
        guard let name = realpath("/proc/self/fd/\(descriptor.rawValue)", nil) else { return nil }
        defer { free(name) }
        return String(validatingCString: name)
    }

    /// SystemPackage throws nothing but `Errno`.
    private func attempt<Value>(
        _ call: () throws -> Value
    ) throws(RootedFileError) -> Value {
        do {
            return try call()
        } catch {
            let cause = error as? Errno ?? .ioError
            throw RootedFileError(path: path, reason: .system(cause))
        }
    }
}
