import Crypto

/// A file as a peer lists it.
package struct IndexEntry: Equatable, Sendable {
    /// Relative path: components joined by `/`, none of them empty, `.` or `..`; no NUL.
    package let filename: String
    /// Bytes; nil when the peer did not say, as in all that follows.
    package var size: Int64?
    package var sha256: SHA256Digest?
    /// mtime, in seconds since 1970.
    package var modified: Int64?
    /// The JSON of the `url` member, byte by byte as the peer sent it. Original clients send
    /// `[]`, and may send anything.
    package var url: String?

    package init(
        filename: String, size: Int64? = nil, sha256: SHA256Digest? = nil, modified: Int64? = nil,
        url: String? = nil
    ) {
        self.filename = filename
        self.size = size
        self.sha256 = sha256
        self.modified = modified
        self.url = url
    }

    /// The SHA-256 of `FILENAME NUL SIZE NUL SHA256 NUL MODIFIED NUL URL`, numbers in decimal,
    /// the digest in lower-case hexadecimal, what is missing empty.
    package var digest: SHA256Digest {
        // One reservation: this runs for each file of a login.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(filename.utf8.count + 32 + (url?.utf8.count ?? 0))
        bytes += filename.utf8
        bytes.append(0)
        if let size { bytes += String(size).utf8 }
        bytes.append(0)
        if let sha256 { bytes += sha256.hexadecimal.utf8 }
        bytes.append(0)
        if let modified { bytes += String(modified).utf8 }
        bytes.append(0)
        if let url { bytes += url.utf8 }
        return SHA256Digest(of: bytes)
    }

    /// Byte by byte, as stores and digests see it.
    package static func == (one: IndexEntry, other: IndexEntry) -> Bool {
        one.size == other.size && one.sha256 == other.sha256 && one.modified == other.modified
            && ExactString(one.filename) == ExactString(other.filename)
            && one.url.map(ExactString.init) == other.url.map(ExactString.init)
    }
}
