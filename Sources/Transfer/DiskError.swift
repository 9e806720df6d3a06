import RootedFiles
import SystemPackage

/// What this host's disk did not do: where, with which file, and why.
package struct DiskError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The directory that the file is in, or the file itself where its directory is not known.
    package let place: String
    package let cause: RootedFileError

    package init(place: String, cause: RootedFileError) {
        self.place = place
        self.cause = cause
    }

    /// Whether what has been received is of no use any more.
    ///
    /// A full disk needs its room. After EIO the page cache may show bytes that the disk never got, and
    /// the next fsync(2) says nothing of them (Rebello et al., "Can Applications Recover from fsync
    /// Failures?", 2020, §3): they must not be believed again.
    package var spoilsPartial: Bool {
        switch cause.reason {
        case .system(.noSpace), .system(.diskQuotaExceeded), .system(.ioError): true
        case .system, .invalidPath, .notFound, .notARegularFile, .outside, .exists: false
        }
    }

    package var description: String {
        switch cause.reason {
        case .system(.noSpace): "the disk of \(place) is full: \(cause)"
        case .system(.diskQuotaExceeded): "the quota on the disk of \(place) is used up: \(cause)"
        case .system(.ioError): "the disk of \(place) fails: \(cause)"
        case .system, .invalidPath, .notFound, .notARegularFile, .outside, .exists:
            cause.path.hasPrefix(place) ? "\(cause)" : "\(place): \(cause)"
        }
    }
}
