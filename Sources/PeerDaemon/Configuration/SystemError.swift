import Glibc

/// A failed system call by its `errno`.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    enum Kind {
        case notFound
        case notPermitted
        case inUse
        case other
    }

    package let errno: CInt

    package init(errno: CInt) {
        self.errno = errno
    }

    var kind: Kind {
        switch errno {
        case ENOENT, ENOTDIR: .notFound
        case EACCES, EPERM, EROFS: .notPermitted
        case EADDRINUSE: .inUse
        default: .other
        }
    }

    /// strerror(3)'s words.
    package var description: String {
        // Thread-local storage since glibc 2.32: copied before anyone else could write to it.
        guard let text = strerror(errno) else { return "error \(errno)" }
        return String(cString: text)
    }
}
