import Glibc

/// What the kernel knows about a file, of stat(2).
package struct FileStatus: Hashable, Sendable {
    /// A point in time, since 1970-01-01T00:00:00Z.
    package struct Timestamp: Hashable, Sendable {
        package let seconds: Int64
        /// 0..<1,000,000,000.
        package let nanoseconds: Int64

        package init(seconds: Int64, nanoseconds: Int64) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }
    }

    package enum Kind: Hashable, Sendable {
        case regular, directory, symbolicLink
        /// FIFO, socket, block or character device.
        case special
    }

    package let kind: Kind
    /// Bytes.
    package let size: Int64
    /// When the bytes last changed; anybody who may write the file can set it.
    package let modified: Timestamp
    /// When bytes or attributes last changed; the kernel's own.
    package let changed: Timestamp
    package let inode: UInt64
    package let device: UInt64
    package let linkCount: UInt64
    package let owner: UInt32
    /// The twelve permission bits.
    package let permissions: UInt32

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            default: .special
            }
        size = Int64(status.st_size)
        modified = Timestamp(status.st_mtim)
        changed = Timestamp(status.st_ctim)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
        linkCount = UInt64(status.st_nlink)
        owner = status.st_uid
        permissions = status.st_mode & 0o7777
    }

    /// Whether both describe the same bytes: same file, size, mtime and ctime.
    ///
    /// A write changes ctime, which nobody can set back; link counts and owners do not matter.
    package func hasSameContent(as other: FileStatus) -> Bool {
        inode == other.inode && device == other.device && size == other.size
            && modified == other.modified && changed == other.changed
    }
}

extension FileStatus.Timestamp {
    init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}
