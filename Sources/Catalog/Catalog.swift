import Locking
import Logging
import RootedFiles
import SQLite

/// What this host shares: one directory, scanned, watched, hashed and searchable.
///
/// `init` only opens the database of the last run, which is searchable at once; ``run()`` then
/// brings it up to date and keeps it so. Everything else may be called at any time, from anywhere.
package final class Catalog: Sendable {
    struct State {
        var store: CatalogStore
        var status = CatalogStatus()
        var isRunning = false
        var isScanRequested = false
        /// Callers of `rescan`, to be answered by the next scan that begins.
        var waiters: [CheckedContinuation<ScanResult, any Error>] = []
        /// A read found the database damaged.
        var damage: String?
        var nextListener = 0
        var listeners: [Int: AsyncStream<CatalogTotals>.Continuation] = [:]
    }

    let root: RootedDirectory
    let databaseFile: DatabaseFile
    let rescanInterval: Duration
    let exclusions: Exclusions
    let logger: Logger
    let state: Locked<State>
    let indexSignal = Signal()
    let hashSignal = Signal()
    private let demandHasher: FileHasher
    let queueHasher: FileHasher

    /// Opens the shared directory and the database; neither is walked through.
    ///
    /// - Parameters:
    ///   - root: The shared directory.
    ///   - stateDirectory: Of the database, `catalog.sqlite`.
    ///   - rescanInterval: Between two scans of everything. It is the net for what the kernel
    ///     does not tell (changes over the network, by mmap), and all there is without watches.
    ///   - exclude: Globs of names that are not shared.
    /// - Throws: `RootedFileError` of the directory, `SQLiteError` of the database.
    package init(
        root: String, stateDirectory: String, rescanInterval: Duration = .seconds(3600),
        exclude: [String] = Exclusions.standard, logger: Logger
    ) throws {
        self.root = try RootedDirectory(path: root)
        databaseFile = DatabaseFile(directory: stateDirectory)
        self.rescanInterval = rescanInterval
        exclusions = Exclusions(exclude)
        self.logger = logger
        let announcer = Announcer()
        state = Locked(
            State(store: try databaseFile.open(logger: logger) { announcer.announce($0) }))
        demandHasher = FileHasher(label: "catalog.hash.demand") { announcer.countHash() }
        queueHasher = FileHasher(label: "catalog.hash.queue") { announcer.countHash() }
        announcer.setCatalog(self)
    }

    // MARK: Asking

    /// The files whose name contains `query`, whatever its case; all when it is empty.
    ///
    /// Nothing in `query` has a meaning of its own.
    ///
    /// - Parameter limit: The most that are returned.
    /// - Returns: The files in the order of their paths' bytes, and whether there are more.
    package func search(
        _ query: String, limit: Int
    ) async throws -> (files: [SharedFile], truncated: Bool) {
        let files = try await read { store in
            try await store.search(query, after: nil, limit: limit + 1)
        }
        return (Array(files.prefix(limit)), files.count > limit)
    }

    /// A page of all files, or of those whose name contains `query`.
    ///
    /// - Parameters:
    ///   - path: The last path of the page before; nil for the first page.
    ///   - limit: The most that are returned; fewer say that this is the last page.
    package func files(
        after path: String?, limit: Int, matching query: String? = nil
    ) async throws -> [SharedFile] {
        try await read { try await $0.search(query ?? "", after: path, limit: limit) }
    }

    /// A page of the files beneath a directory, or of all where that is nil.
    ///
    /// - Parameters: As ``files(after:limit:matching:)``.
    package func files(
        beneath directory: RelativePath?, after path: String?, limit: Int
    ) async throws -> [SharedFile] {
        try await read { try await $0.files(beneath: directory, after: path, limit: limit) }
    }

    /// The SHA-256 of those of the paths whose file is on the disk as it was when it was hashed.
    package func digests(of paths: [RelativePath]) async throws -> [RelativePath: String] {
        try await read { [root] in try await $0.digests(of: paths, in: root) }
    }

    package func file(path: String) async throws -> SharedFile? {
        try await read { try await $0.file(path: path) }
    }

    /// The files whose name is exactly this, in the order of their paths.
    package func files(named name: String, limit: Int = 100) async throws -> [SharedFile] {
        try await read { try await $0.files(named: name, limit: limit) }
    }

    /// The files with this content, in the order of their paths; none for what is no SHA-256.
    package func files(sha256: String, limit: Int = 100) async throws -> [SharedFile] {
        guard let digest = Hexadecimal.bytes(sha256), digest.count == 32 else { return [] }
        return try await read { try await $0.files(sha256: digest, limit: limit) }
    }

    /// Known in memory.
    package var totals: CatalogTotals { state.withLock { $0.store }.totals }

    package var status: CatalogStatus { state.withLock { $0.status } }

    /// The totals after each change; who is slow misses all but the last.
    package func changes() -> AsyncStream<CatalogTotals> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: CatalogTotals.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    // MARK: Reaching files

    /// Opens a shared file for reading.
    ///
    /// - Throws: `RootedFileError`; `notFound` also for what is excluded.
    package func open(_ path: RelativePath) throws(RootedFileError) -> OpenFile {
        if exclusions.excludes(path) {
            throw RootedFileError(path: path.string, reason: .notFound)
        }
        return try root.open(path)
    }

    /// The file with its SHA-256, which is computed now, ahead of all others, if it is not known.
    ///
    /// - Throws: `RootedFileError`, `CatalogError.changing`, `SQLiteError`.
    package func checksum(of path: RelativePath) async throws -> SharedFile {
        let file = try open(path)
        let status = try file.status()
        let found = CatalogStore.Found(path: path, status: status)
        if case .same = try await read({ try await $0.compare([found]) })[0],
            let known = try await self.file(path: path.string), known.sha256 != nil
        {
            return known
        }
        let digest = try await demandHasher.digest(of: file)
        let hashed = CatalogStore.Found(path: path, status: digest.status)
        try await read { try await $0.record([(hashed, digest.sha256)]) }
        return SharedFile(
            path: path.string, size: digest.status.size, modified: digest.status.modified,
            sha256: Hexadecimal.string(digest.sha256))
    }

    /// Whether a file of that path would not be shared.
    package func excludes(_ path: RelativePath) -> Bool { exclusions.excludes(path) }

    /// A file was just received here, and its SHA-256 proved: it is found from here on.
    ///
    /// One that cannot be recorded just now is there all the same, and the watch finds it, too.
    ///
    /// - Parameter sha256: 64 hexadecimal digits.
    package func published(_ path: RelativePath, sha256: String) async {
        do {
            let status = try open(path).status()
            await published([Published(path: path, status: status, sha256: sha256)])
        } catch {
            note(path, notRecorded: error)
        }
    }

    /// A file that was just received.
    package struct Published: Sendable {
        package let path: RelativePath
        package let status: FileStatus
        package let sha256: String

        package init(path: RelativePath, status: FileStatus, sha256: String) {
            self.path = path
            self.status = status
            self.sha256 = sha256
        }
    }

    /// As the other, of many files in one commit.
    package func published(_ files: [Published]) async {
        let found = files.filter { !exclusions.excludes($0.path) }.map { file in
            guard let digest = Hexadecimal.bytes(file.sha256), digest.count == 32 else {
                preconditionFailure("no SHA-256: \(file.sha256)")
            }
            return (file: CatalogStore.Found(path: file.path, status: file.status), sha256: digest)
        }
        guard let first = found.first else { return }
        do {
            try await read { try await $0.record(found) }
        } catch {
            note(first.file.path, notRecorded: error)
        }
    }

    private func note(_ path: RelativePath, notRecorded error: any Error) {
        logger.info(
            "what was received is not recorded at once",
            metadata: ["path": "\(path)", "error": "\(error)"])
    }

    /// Scans everything now, and returns when that is done.
    ///
    /// - Throws: `CatalogError.notRunning`, also when the catalog stops meanwhile.
    package func rescan() async throws -> ScanResult {
        try await withCheckedThrowingContinuation { continuation in
            let isRunning = state.withLock { state in
                if state.isRunning { state.waiters.append(continuation) }
                return state.isRunning
            }
            if isRunning {
                indexSignal.raise()
            } else {
                continuation.resume(throwing: CatalogError.notRunning)
            }
        }
    }

    /// Asks the store, and has it rebuilt when it turns out to be damaged.
    private func read<Result: Sendable>(
        _ body: (CatalogStore) async throws -> Result
    ) async throws -> Result {
        do {
            return try await body(state.withLock { $0.store })
        } catch SQLiteError.damaged(let failure) {
            state.withLock { $0.damage = failure.message }
            indexSignal.raise()
            throw SQLiteError.damaged(failure)
        }
    }

    func storeChanged(_ totals: CatalogTotals) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners {
            listener.yield(totals)
        }
        hashSignal.raise()
    }
}

/// Tells a catalog what its parts, which are made before it, have to say.
final class Announcer: Sendable {
    private struct Target {
        weak var catalog: Catalog?
    }

    private let target = Locked(Target())

    func setCatalog(_ catalog: Catalog) {
        target.withLock { $0.catalog = catalog }
    }

    func announce(_ totals: CatalogTotals) {
        target.withLock { $0.catalog }?.storeChanged(totals)
    }

    func countHash() {
        target.withLock { $0.catalog }?.state.withLock { $0.status.filesHashed += 1 }
    }
}
