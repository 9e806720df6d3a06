import Glibc

/// Secrets that the service manager hands to this service as files
/// (`LoadCredential=`, `SetCredentialEncrypted=`).
///
/// Source: systemd.exec(5), "Credentials".
package struct Credentials: Sendable {
    package enum ReadError: Error, Equatable {
        /// Not a file name: empty, `.`, `..`, or with a slash.
        case invalidName(String)
        case notRegularFile(String)
        case oversized(name: String, bytesMax: Int)
        case unreadable(name: String, errno: CInt)
    }

    /// systemd's own bound of all credentials of a unit together, in bytes.
    package static let bytesMax = 1 << 20

    /// `$CREDENTIALS_DIRECTORY`.
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// The credentials of this process, or nil where the manager passed none.
    package init?(environment: [String: String]) {
        guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else {
            return nil
        }
        self.init(directory: directory)
    }

    /// Reads one credential, whole.
    ///
    /// - Parameters:
    ///   - name: Its file name.
    ///   - bytesMax: The largest that is accepted.
    /// - Returns: Its bytes, or nil when there is no credential of that name.
    package func read(_ name: String, bytesMax: Int = bytesMax) throws(ReadError) -> [UInt8]? {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/"))
        else { throw .invalidName(name) }
        // Not blocking: a FIFO must not hold up the start.
        let descriptor = open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(name: name, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .notRegularFile(name)
        }
        return try Self.contents(of: descriptor, name: name, bytesMax: bytesMax)
    }

    private static func contents(
        of descriptor: CInt, name: String, bytesMax: Int
    ) throws(ReadError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let wanted = min(bytesMax + 1 - bytes.count, 65536)
            var failure: CInt = 0
            let block = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                let received = Glibc.read(descriptor, buffer.baseAddress, wanted)
                failure = received < 0 ? errno : 0
                count = max(received, 0)
            }
            if failure == EINTR { continue }
            guard failure == 0 else { throw .unreadable(name: name, errno: failure) }
            if block.isEmpty { return bytes }
            bytes += block
            guard bytes.count <= bytesMax else {
                throw .oversized(name: name, bytesMax: bytesMax)
            }
        }
    }
}
