import RootedFiles

/// A file that this host shares.
package struct SharedFile: Hashable, Sendable {
    /// Beneath the shared directory; components joined by `/`.
    package let path: String
    /// The last component of `path`.
    package let name: String
    /// The extension without its dot, lower-case; empty when there is none.
    package let type: String
    /// Bytes.
    package let size: Int64
    package let modified: FileStatus.Timestamp
    /// 64 lower-case hexadecimal digits; nil until the bytes have been hashed.
    package let sha256: String?

    package init(
        path: String, size: Int64, modified: FileStatus.Timestamp, sha256: String? = nil
    ) {
        self.path = path
        name = path.split(separator: "/").last.map(String.init) ?? path
        type = Self.type(ofName: name)
        self.size = size
        self.modified = modified
        self.sha256 = sha256
    }

    /// `gz` of `a.tar.GZ`; nothing of `a`, `a.` and `.a`.
    static func type(ofName name: String) -> String {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}

/// How much is shared, as of one version of the catalog.
package struct CatalogTotals: Equatable, Sendable {
    package var files: Int64 = 0
    package var bytes: Int64 = 0
    /// Files whose SHA-256 is known.
    package var hashed: Int64 = 0
    /// Changes with every change to what is shared, also over restarts; never goes back.
    package var version: UInt64 = 0

    package init() {}
}

/// What the catalog is doing.
package struct CatalogStatus: Equatable, Sendable {
    package enum State: String, Sendable {
        /// Not run yet, or comparing the directory with what is known of it.
        case scanning
        /// Told of changes by the kernel.
        case watching
        /// Changes are found at the next rescan only: the kernel has no watches left.
        case polling
    }

    package var state: State = .scanning
    /// Of the scan, else of hashing: 0...1.
    package var progress: Double = 0
    /// For people: `indexing, 120 files seen`; nil when there is nothing to do.
    package var detail: String?
    /// Files hashed since this process started.
    package var filesHashed: Int64 = 0

    package init() {}
}

/// What a scan found to be different.
package struct ScanResult: Equatable, Sendable {
    package var files: Int64 = 0
    package var bytes: Int64 = 0
    package var added = 0
    package var changed = 0
    package var removed = 0

    package init() {}
}

package enum CatalogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file was written to each time that it was read for its SHA-256.
    case changing(path: String)
    /// Only a running catalog scans.
    case notRunning

    package var description: String {
        switch self {
        case .changing(let path): "\(path): changed while it was read; try again"
        case .notRunning: "the catalog is not running"
        }
    }
}
