import Crypto
import Dispatch
import RootedFiles
import SQLite

/// Computes SHA-256 of files, one at a time, on a thread of its own.
actor FileHasher {
    struct Digest: Sendable {
        /// Of the file before and after it was read.
        let status: FileStatus
        let sha256: [UInt8]
    }

    /// Read at once, in bytes. Beyond it nothing gets faster (guess: that of `sha256sum` is less).
    private static let blockBytes = 1 << 20
    /// Digests kept, so that many who ask for one file at once make it be read once.
    private static let recentMax = 64

    private nonisolated let executor: QueueExecutor
    private var recent: [Digest] = []
    private let onHash: @Sendable () -> Void

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// - Parameter onHash: Called for each file that was read.
    init(label: String, onHash: @escaping @Sendable () -> Void) {
        executor = QueueExecutor(label: label, qos: .utility)
        self.onHash = onHash
    }

    /// Reads the whole file.
    ///
    /// - Throws: `CatalogError.changing` when it was written to meanwhile, `CancellationError`.
    func digest(of file: OpenFile) throws -> Digest {
        let before = try file.status()
        if let known = recent.first(where: { $0.status.hasSameContent(as: before) }) {
            return known
        }
        var hash = SHA256()
        let size = Int(clamping: before.size)
        var block = [UInt8](repeating: 0, count: min(Self.blockBytes, size + 1))
        var offset: Int64 = 0
        while true {
            try Task.checkCancellation()
            let count = try file.read(into: &block, at: offset)
            if count == 0 { break }
            hash.update(data: block[..<count])
            offset += Int64(count)
            // A file that grows as fast as it is read would have no end.
            if offset > before.size { break }
        }
        onHash()
        let after = try file.status()
        guard after.hasSameContent(as: before), offset == before.size else {
            throw CatalogError.changing(path: file.path)
        }
        let digest = Digest(status: before, sha256: Array(hash.finalize()))
        recent.append(digest)
        if recent.count > Self.recentMax { recent.removeFirst() }
        return digest
    }
}
