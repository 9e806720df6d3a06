import CLinux
import Glibc
import SystemPackage

/// An open directory, and the only way to the files beneath it.
///
/// Every path is resolved by the kernel from this descriptor, with openat2(2) and
/// `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS`: neither `..` nor a symbolic
/// link, whenever it is put there, leads out. Only regular files are opened, without waiting for
/// the other end of a FIFO.
///
/// Hard links: a file with several names is served like any other. Who can make one in the shared
/// directory can write there, and could as well have copied what the link shows (Linux lets
/// nobody link a file that he may not read and write, fs.protected_hardlinks). Writing goes only
/// to files in the staging area that have a single name (``StagingArea``).
package final class RootedDirectory: Sendable {
    /// Where partial files are kept, in the root itself: the same file system. Not shared.
    package static let stagingName = ".p2p-peer"

    /// As it was opened, for messages.
    package let path: String
    let descriptor: FileDescriptor

    /// Opens a directory that the operator named; symbolic links in `path` are his and followed.
    package init(path: String) throws(RootedFileError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw RootedFileError(path: path, errno: Errno(rawValue: errno))
        }
        self.path = path
        self.descriptor = FileDescriptor(rawValue: descriptor)
    }

    /// Takes over `descriptor`, a directory.
    init(taking descriptor: FileDescriptor, path: String) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        descriptor.closeUnwritten()
    }

    /// Opens a regular file for reading.
    package func open(_ path: RelativePath) throws(RootedFileError) -> OpenFile {
        let descriptor = try openDescriptor(path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
        return try OpenFile(taking: descriptor, path: path.string)
    }

    /// What is there, opened for nothing: also a directory or FIFO, but not through a link.
    ///
    /// - Throws: `outside` when the last component is a symbolic link, too.
    package func status(of path: RelativePath) throws(RootedFileError) -> FileStatus {
        let descriptor = try openDescriptor(path, flags: clinux_o_path())
        defer { descriptor.closeUnwritten() }
        let status: FileStatus
        do {
            status = try FileSystemCalls.status(of: descriptor)
        } catch {
            throw RootedFileError(path: path.string, errno: error)
        }
        if status.kind == .symbolicLink {
            throw RootedFileError(path: path.string, reason: .outside)
        }
        return status
    }

    /// Whether permissions let this process read what has this path.
    package func isReadable(_ path: RelativePath) throws(RootedFileError) -> Bool {
        var directory = self
        if let parent = path.parent {
            do {
                directory = try openDirectory(parent)
            } catch {
                if error.reason == .system(.permissionDenied) { return false }
                throw error
            }
        }
        do {
            return try FileSystemCalls.isReadable(path.name, in: directory.descriptor)
        } catch {
            throw RootedFileError(path: path.string, errno: error)
        }
    }

    /// Opens a directory beneath this one.
    package func openDirectory(_ path: RelativePath) throws(RootedFileError) -> RootedDirectory {
        if path.isStaging { throw RootedFileError(path: path.string, reason: .notFound) }
        let descriptor: FileDescriptor
        do {
            descriptor = try FileSystemCalls.openDirectory(path.string, in: self.descriptor)
        } catch {
            throw RootedFileError(path: path.string, errno: error)
        }
        return RootedDirectory(taking: descriptor, path: path.string)
    }

    /// Reads the entries of this directory itself.
    package func entries() throws(RootedFileError) -> DirectoryEntries {
        let copy: FileDescriptor
        do {
            copy = try FileSystemCalls.openDirectory(".", in: descriptor)
        } catch {
            throw RootedFileError(path: path, errno: error)
        }
        return try DirectoryEntries(taking: copy, path: path)
    }

    /// Where files are received; made when it is not there yet.
    package func stagingArea() throws(RootedFileError) -> StagingArea {
        try StagingArea(root: self)
    }

    private func openDescriptor(
        _ path: RelativePath, flags: Int32
    ) throws(RootedFileError) -> FileDescriptor {
        if path.isStaging { throw RootedFileError(path: path.string, reason: .notFound) }
        do {
            return try FileSystemCalls.open(path.string, in: descriptor, flags: flags)
        } catch {
            throw RootedFileError(path: path.string, errno: error)
        }
    }
}

extension RelativePath {
    /// Whether this is the staging area of its root, or something in it.
    package var isStaging: Bool {
        string == RootedDirectory.stagingName
            || string.utf8.starts(with: "\(RootedDirectory.stagingName)/".utf8)
    }
}
