import CLinux
import Glibc

/// Why a service cannot listen.
package enum ListenError: Error, Equatable, CustomStringConvertible {
    /// A process accepts connections there.
    case inUse(path: String)
    /// Something that is not a socket has the name.
    case notASocket(path: String)
    case notAListeningSocket(descriptor: Int32)
    case system(SystemError, path: String)

    package var description: String {
        switch self {
        case .inUse(let path): "\(path): another process listens there"
        case .notASocket(let path): "\(path): exists and is not a socket"
        case .notAListeningSocket(let number):
            "descriptor \(number): not a listening local stream socket"
        case .system(let error, let path): "\(path): \(error)"
        }
    }
}

/// A local socket that clients connect to.
package final class VarlinkListener: Sendable {
    /// What handlers know it by (``VarlinkCall/listener``).
    package let name: String
    let descriptor: OwnedDescriptor
    /// The socket file to remove at the end; `nil` where it is not this process's.
    private let file: SocketFile?

    /// Makes the socket `path` with exactly the permissions `mode`, whatever the umask.
    ///
    /// The name appears in one step, with its permissions and already listening. One that a dead
    /// process left is replaced. The file is removed when the listener goes.
    package init(name: String, path: String, mode: UInt32) throws(ListenError) {
        self.name = name
        let number = clinux_unix_socket(1)
        guard number >= 0 else { throw .system(SystemError("socket"), path: path) }
        descriptor = OwnedDescriptor(owning: number)
        file = try SocketFile(binding: number, path: path, mode: mode)
    }

    /// Serves a listening socket that somebody else made, as systemd does.
    package init(name: String, owning number: Int32) throws(ListenError) {
        guard clinux_is_unix_listener(number) == 1 else {
            throw .notAListeningSocket(descriptor: number)
        }
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .system(SystemError("fcntl"), path: name)
        }
        self.name = name
        descriptor = OwnedDescriptor(owning: number)
        file = nil
    }

    deinit {
        file?.remove()
    }

    enum Accepted {
        case connection(UnixSocket)
        /// The client went before it was accepted, or there was none.
        case nothing
    }

    /// Takes a connection that waits.
    ///
    /// - Throws: With EMFILE, ENFILE, ENOBUFS, ENOMEM it can work again; else it cannot.
    func accept() throws(SystemError) -> Accepted {
        let number = clinux_accept(descriptor.rawValue)
        if number >= 0 {
            return .connection(UnixSocket(descriptor: OwnedDescriptor(owning: number)))
        }
        switch errno {
        case EAGAIN, EINTR, ECONNABORTED: return .nothing
        default: throw SystemError("accept")
        }
    }
}

/// The name of a listening socket in the file system.
private struct SocketFile {
    let path: String
    let device: UInt64
    let inode: UInt64

    init(binding socket: Int32, path: String, mode: UInt32) throws(ListenError) {
        let replaces = try Self.isLeftOver(path)
        // Bound under a name of its own first: a name that exists is a socket that listens.
        let own = "\(path).\(getpid())"
        unlink(own)
        guard clinux_unix_bind(socket, own) == 0 else {
            throw .system(SystemError("bind"), path: path)
        }
        var status = stat()
        guard chmod(own, mode) == 0, lstat(own, &status) == 0, listen(socket, 64) == 0 else {
            throw Self.undo(own, SystemError("chmod or listen"), path: path)
        }
        if replaces {
            guard rename(own, path) == 0 else {
                throw Self.undo(own, SystemError("rename"), path: path)
            }
        } else {
            guard link(own, path) == 0 else {
                let error = SystemError("link")
                unlink(own)
                throw error.code == EEXIST ? .inUse(path: path) : .system(error, path: path)
            }
            unlink(own)
        }
        self.path = path
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// Removes the name, unless somebody has put something else there.
    func remove() {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode {
            unlink(path)
        }
    }

    private static func undo(_ own: String, _ error: SystemError, path: String) -> ListenError {
        unlink(own)
        return .system(error, path: path)
    }

    /// Whether a dead process's socket is there (`false`: nothing is).
    private static func isLeftOver(_ path: String) throws(ListenError) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return false }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = clinux_unix_socket(1)
        guard probe >= 0 else { throw .system(SystemError("socket"), path: path) }
        defer { close(probe) }
        if clinux_unix_connect(probe, path) == 0 { throw .inUse(path: path) }
        switch errno {
        case ECONNREFUSED: return true
        case ENOENT: return false
        // Its queue is full: alive, and busy.
        case EAGAIN: throw .inUse(path: path)
        default: throw .system(SystemError("connect"), path: path)
        }
    }
}
