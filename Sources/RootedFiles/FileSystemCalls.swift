import CLinux
import Glibc
import SystemPackage

/// The system calls that this target makes on directories, with errno as a thrown value.
///
/// All of them take an open directory and a name in it, so that nothing is resolved twice.
enum FileSystemCalls {
    /// Retries when a concurrent rename made the walk inconclusive (EAGAIN, openat2(2)).
    private static let attemptsMax = 16

    /// openat2(2) beneath `directory`, through no symbolic link; always O_CLOEXEC and O_NOFOLLOW.
    static func open(
        _ path: String, in directory: FileDescriptor, flags: Int32, mode: UInt32 = 0
    ) throws(Errno) -> FileDescriptor {
        for _ in 1..<attemptsMax {
            do {
                return try openOnce(path, in: directory, flags: flags, mode: mode)
            } catch .resourceTemporarilyUnavailable, .interrupted {
                continue
            }
        }
        return try openOnce(path, in: directory, flags: flags, mode: mode)
    }

    /// Opens a directory for reading its entries and for the calls below.
    ///
    /// The `/.` makes a symbolic link at the end one on the way, so that it is told (ELOOP) from
    /// a file (ENOTDIR).
    static func openDirectory(
        _ path: String, in directory: FileDescriptor
    ) throws(Errno) -> FileDescriptor {
        try open("\(path)/.", in: directory, flags: O_RDONLY | O_DIRECTORY | O_NONBLOCK)
    }

    private static func openOnce(
        _ path: String, in directory: FileDescriptor, flags: Int32, mode: UInt32
    ) throws(Errno) -> FileDescriptor {
        let descriptor = clinux_open_beneath(directory.rawValue, path, flags, mode)
        try check(descriptor)
        return FileDescriptor(rawValue: descriptor)
    }

    static func status(of descriptor: FileDescriptor) throws(Errno) -> FileStatus {
        var status = stat()
        try check(fstat(descriptor.rawValue, &status))
        return FileStatus(status)
    }

    /// Of the entry itself, also when it is a symbolic link.
    static func status(
        of name: String, in directory: FileDescriptor
    ) throws(Errno) -> FileStatus {
        var status = stat()
        try check(fstatat(directory.rawValue, name, &status, AT_SYMLINK_NOFOLLOW))
        return FileStatus(status)
    }

    /// Whether permissions let this process read the entry.
    static func isReadable(
        _ name: String, in directory: FileDescriptor
    ) throws(Errno) -> Bool {
        do {
            try check(faccessat(directory.rawValue, name, R_OK, AT_EACCESS))
            return true
        } catch .permissionDenied {
            return false
        }
    }

    static func makeDirectory(
        _ name: String, in directory: FileDescriptor, mode: UInt32
    ) throws(Errno) {
        try check(mkdirat(directory.rawValue, name, mode))
    }

    static func remove(_ name: String, in directory: FileDescriptor) throws(Errno) {
        try check(unlinkat(directory.rawValue, name, 0))
    }

    static func rename(
        _ name: String, in directory: FileDescriptor,
        to newName: String, in newDirectory: FileDescriptor
    ) throws(Errno) {
        try check(renameat(directory.rawValue, name, newDirectory.rawValue, newName))
    }

    /// As `rename`, but fails with `fileExists` when the new name is taken.
    static func renameWithoutReplacing(
        _ name: String, in directory: FileDescriptor,
        to newName: String, in newDirectory: FileDescriptor
    ) throws(Errno) {
        do {
            try check(
                clinux_rename_noreplace(
                    directory.rawValue, name, newDirectory.rawValue, newName))
        } catch .invalidArgument {
            // File systems without RENAME_NOREPLACE (NFS): a link does not replace either.
            try check(linkat(directory.rawValue, name, newDirectory.rawValue, newName, 0))
            try remove(name, in: directory)
        }
    }

    /// fsync(2), for directories: their entries survive a crash from here on.
    static func synchronize(_ descriptor: FileDescriptor) throws(Errno) {
        try check(fsync(descriptor.rawValue))
    }

    static func check(_ result: Int32) throws(Errno) {
        if result < 0 { throw Errno(rawValue: errno) }
    }
}

extension FileDescriptor {
    /// Closes what this process opened only to look at.
    ///
    /// close(2) of a descriptor that holds no unwritten bytes has no failure to report.
    func closeUnwritten() {
        _ = Glibc.close(rawValue)
    }
}
