import SystemPackage

/// Why a file beneath a root could not be reached or changed: which path, and what was the matter.
package struct RootedFileError: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        case invalidPath(RelativePath.Fault)
        case notFound
        /// A directory, FIFO, socket or device.
        case notARegularFile
        /// A symbolic link is on the way, or the path leaves the root.
        case outside
        /// Something has that name already.
        case exists
        case system(Errno)
    }

    /// As it was asked for; not necessarily a valid path.
    package let path: String
    package let reason: Reason

    package init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// Sorts what the kernel said into the reasons above.
    init(path: String, errno: Errno) {
        self.path = path
        reason =
            switch errno {
            case .noSuchFileOrDirectory, .notDirectory: .notFound
            case .tooManySymbolicLinkLevels, .improperLink: .outside
            case .fileExists: .exists
            // ENXIO is what open(2) says of a socket.
            case .isDirectory, .noSuchAddressOrDevice: .notARegularFile
            default: .system(errno)
            }
    }
}

extension RootedFileError: CustomStringConvertible {
    package var description: String {
        switch reason {
        case .invalidPath(let fault): "\(path): \(fault)"
        case .notFound: "\(path): no such file"
        case .notARegularFile: "\(path): not a regular file"
        case .outside: "\(path): leads through a symbolic link or out of the shared directory"
        case .exists: "\(path): exists already"
        case .system(let errno): "\(path): \(errno)"
        }
    }
}
