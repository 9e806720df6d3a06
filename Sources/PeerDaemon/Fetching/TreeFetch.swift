import Catalog
import Crypto
import Glibc
import Locking
import Logging
import NIOPosix
import Overlay
import RootedFiles
import Transfer

/// Brings here what is beneath a directory of one peer: small files by the bundle, large ones one after
/// the other as any other file. What is here already with the same content is left as it is.
///
/// Holds at most ``batchesAtOnce`` batches in memory, each of ``batchBytes`` and a file.
final class TreeFetch: Sendable {
    /// Files of one bundle, and their bytes: beyond that, latency rules nothing any more (guess).
    static let batchFiles = 256
    static let batchBytes: Int64 = 4 << 20
    static let batchesAtOnce = 4
    /// Files that are named as not brought; of the others only the number is told.
    static let failuresMax = 100

    struct Request: Sendable {
        /// A peer's name, URL or the beginning of its id.
        var peer: String
        /// All that the peer shares where it is empty.
        var directory: String
        /// A shell pattern of whole paths (fnmatch(3), FNM_PATHNAME); nil for all.
        var pattern: String?
        var replacing: Bool
    }

    struct Failure: Sendable, Hashable {
        var path: String
        var reason: String
    }

    struct Progress: Sendable {
        /// Files that are asked for, as far as the list has come.
        var files = 0
        /// Of these here by now, among them `present` that were here before.
        var done = 0
        var present = 0
        var failed = 0
        /// Of the files that have come.
        var bytes: Int64 = 0
        /// The first ``failuresMax``.
        var failures: [Failure] = []
    }

    let fetches: Fetches
    let source: TreeSource
    let holder: PeerAddress
    let request: Request
    let root: RootedDirectory
    let staging: StagingArea
    private let state = Locked(Progress())

    init(
        fetches: Fetches, source: TreeSource, holder: PeerAddress, request: Request,
        root: RootedDirectory
    ) throws {
        self.fetches = fetches
        self.source = source
        self.holder = holder
        self.request = request
        self.root = root
        staging = try root.stagingArea()
    }

    var progress: Progress { state.withLock { $0 } }

    /// Brings all that can be brought; the result tells what could not.
    ///
    /// - Throws: `FileSourceError` where the peer does not list or send; `DiskError` where this host's
    ///   disk takes no more.
    func run() async throws {
        try await source.list(request.directory) { page in
            try await self.bring(page.filter(self.isWanted))
        }
    }

    private func isWanted(_ file: FoundFile) -> Bool {
        let beneath = request.directory.isEmpty || file.path.hasPrefix(request.directory + "/")
        guard beneath, let pattern = request.pattern else { return beneath }
        return fnmatch(pattern, file.path, FNM_PATHNAME) == 0
    }

    // MARK: - One page of the list

    private func bring(_ page: [FoundFile]) async throws {
        state.withLock { $0.files += page.count }
        let admitted = page.compactMap(admit)
        let known = try await fetches.peer.catalog.digests(of: admitted.map { $0.path })
        let missing = admitted.filter { file, path in
            file.sha256 == nil || known[path] != file.sha256
        }
        state.withLock {
            $0.present += admitted.count - missing.count
            $0.done += admitted.count - missing.count
        }
        try await bring(missing: missing.map { $0.file })
    }

    /// nil for a file of a path that is not taken from anybody.
    private func admit(_ file: FoundFile) -> (file: FoundFile, path: RelativePath)? {
        do {
            let path = try RelativePath(file.path)
            if !fetches.peer.catalog.excludes(path) { return (file, path) }
            fail(file, "files of such a name are not shared here")
        } catch {
            fail(file, "\(error)")
        }
        return nil
    }

    private func bring(missing: [FoundFile]) async throws {
        let (small, large) = Self.divided(missing)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, batch) in small.enumerated() {
                if index >= Self.batchesAtOnce { try await group.next() }
                group.addTask { try await self.bring(batch: batch) }
            }
            try await group.waitForAll()
        }
        for file in large { try await bring(large: file) }
    }

    /// Into bundles of small files, and the others.
    static func divided(_ files: [FoundFile]) -> (small: [[FoundFile]], large: [FoundFile]) {
        var (small, large): ([[FoundFile]], [FoundFile]) = ([], [])
        var batch: [FoundFile] = []
        var bytes: Int64 = 0
        for file in files {
            guard file.size <= TreesService.fileBytesMax, file.sha256 != nil else {
                large.append(file)
                continue
            }
            batch.append(file)
            bytes += file.size
            if batch.count == batchFiles || bytes >= batchBytes {
                small.append(batch)
                (batch, bytes) = ([], 0)
            }
        }
        if !batch.isEmpty { small.append(batch) }
        return (small, large)
    }

    // MARK: - Small files

    private func bring(batch: [FoundFile]) async throws {
        let answers = Locked<[Int: Answer]>([:])
        try await source.bundle(batch.map(\.path)) { index, bundled in
            let taken = try self.answer(to: batch[index], bundled)
            answers.withLock { $0[index] = $0[index] ?? taken }
        }
        var proved: [(file: FoundFile, small: StagingArea.SmallFile)] = []
        for (index, file) in batch.enumerated() {
            switch answers.withLock({ $0[index] }) {
            case .proved(let small): proved.append((file, small))
            case .refused(let reason): fail(file, reason)
            case nil: fail(file, "\(holder.name) did not send it")
            }
        }
        try await publish(proved)
    }

    private enum Answer {
        case proved(StagingArea.SmallFile)
        case refused(String)
    }

    private func answer(to file: FoundFile, _ bundled: TreeSource.Bundled) throws -> Answer {
        switch bundled {
        case .refused(let reason): return .refused(reason)
        case .bytes(let bytes):
            guard bytes.count == file.size,
                Hexadecimal.string(Array(SHA256.hash(data: bytes))) == file.sha256
            else { return .refused("\(holder.name) sent other bytes than it has listed") }
            return .proved(
                StagingArea.SmallFile(
                    path: try RelativePath(file.path), bytes: bytes,
                    modified: file.modificationTime))
        }
    }

    private func publish(
        _ received: [(file: FoundFile, small: StagingArea.SmallFile)]
    ) async throws {
        let results: [Result<FileStatus, RootedFileError>]
        do {
            results = try await NIOThreadPool.singleton.runIfActive { [staging, request] in
                try staging.publish(
                    received.map { $0.small }, onConflict: request.replacing ? .replace : .refuse)
            }
        } catch let error as RootedFileError {
            throw DiskError(place: root.path, cause: error)
        }
        var published: [Catalog.Published] = []
        for ((file, small), result) in zip(received, results) {
            switch result {
            case .success(let status):
                published.append(
                    Catalog.Published(
                        path: small.path, status: status, sha256: file.sha256 ?? ""))
                count(file)
            case .failure(let error):
                let error = DiskError(place: root.path, cause: error)
                if error.spoilsPartial { throw error }
                fail(file, Self.reason(of: error))
            }
        }
        await fetches.peer.catalog.published(published)
    }

    private static func reason(of error: DiskError) -> String {
        error.cause.reason == .exists
            ? "another file has that name here; --force replaces it" : "\(error)"
    }

    // MARK: - Others

    /// Also one of which the peer has not told the SHA-256 yet.
    private func bring(large file: FoundFile) async throws {
        do {
            try await fetches.bring(
                file.path, from: request.peer, replacing: request.replacing)
            count(file)
        } catch Fetches.Failure.alreadyExists {
            fail(file, "another file has that name here; --force replaces it")
        } catch Fetches.Failure.failed(_, let reason, _, _) {
            fail(file, reason)
        } catch let error as CancellationError {
            throw error
        } catch {
            fail(file, "\(error)")
        }
    }

    // MARK: - Counting

    private func count(_ file: FoundFile) {
        state.withLock {
            $0.done += 1
            $0.bytes += file.size
        }
    }

    private func fail(_ file: FoundFile, _ reason: String) {
        state.withLock {
            $0.failed += 1
            guard $0.failures.count < Self.failuresMax else { return }
            $0.failures.append(Failure(path: file.path, reason: reason))
        }
    }
}

extension FoundFile {
    fileprivate var modificationTime: FileStatus.Timestamp {
        let second: Int64 = 1_000_000_000
        let (seconds, rest) = modified.quotientAndRemainder(dividingBy: second)
        return rest < 0
            ? .init(seconds: seconds - 1, nanoseconds: rest + second)
            : .init(seconds: seconds, nanoseconds: rest)
    }
}
