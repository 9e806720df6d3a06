import Glibc
import SystemPackage

/// The entries of one directory, read as they are asked for: 32 KiB of memory whatever its size.
///
/// Not for several threads: readdir(3) keeps its place in the stream.
package final class DirectoryEntries {
    package struct Entry {
        /// As the file system has it, perhaps not UTF-8, without `/` and NUL.
        package let name: [UInt8]
        /// nil where the file system does not tell without stat(2).
        package let kind: FileStatus.Kind?
    }

    private let stream: OpaquePointer
    private let descriptor: FileDescriptor
    private let path: String

    /// Takes over `descriptor`, and closes it also when this throws.
    init(taking descriptor: FileDescriptor, path: String) throws(RootedFileError) {
        guard let stream = fdopendir(descriptor.rawValue) else {
            let cause = Errno(rawValue: errno)
            descriptor.closeUnwritten()
            throw RootedFileError(path: path, errno: cause)
        }
        self.stream = stream
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        closedir(stream)
    }

    /// The next entry in the order of the file system, without `.` and `..`; nil at the end.
    package func next() throws(RootedFileError) -> Entry? {
        while true {
            // The end and a failure are told apart by errno alone, readdir(3).
            errno = 0
            guard let entry = readdir(stream) else {
                if errno == 0 { return nil }
                throw RootedFileError(path: path, errno: Errno(rawValue: errno))
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                Array(bytes.prefix { $0 != 0 })
            }
            if name == Array(".".utf8) || name == Array("..".utf8) { continue }
            return Entry(name: name, kind: Self.kind(entry.pointee.d_type))
        }
    }

    /// stat(2) of an entry, not following it.
    package func status(of name: String) throws(RootedFileError) -> FileStatus {
        do {
            return try FileSystemCalls.status(of: name, in: descriptor)
        } catch {
            throw RootedFileError(path: name, errno: error)
        }
    }

    /// A name of this directory for calls that take no descriptor: inotify_add_watch(2).
    package var descriptorPath: String { "/proc/self/fd/\(descriptor.rawValue)" }

    /// Opens a directory among the entries.
    package func entries(of name: String) throws(RootedFileError) -> DirectoryEntries {
        let child: FileDescriptor
        do {
            child = try FileSystemCalls.openDirectory(name, in: descriptor)
        } catch {
            throw RootedFileError(path: name, errno: error)
        }
        return try DirectoryEntries(taking: child, path: name)
    }

    private static func kind(_ type: UInt8) -> FileStatus.Kind? {
        switch Int(type) {
        case Int(DT_REG): .regular
        case Int(DT_DIR): .directory
        case Int(DT_LNK): .symbolicLink
        case Int(DT_UNKNOWN): nil
        default: .special
        }
    }
}
