import Glibc
import LogMessages
import Logging
import RootedFiles
import SQLite
import Synchronization
import SystemPackage

extension Catalog {
    /// Between two attempts to go on, at first and at most.
    private static let pause = (first: Duration.seconds(1), max: Duration.seconds(60))
    /// Files hashed between two commits, and their bytes.
    private static let hashBatch = (files: 64, bytes: Int64(64 << 20))
    /// Until a file is hashed again that was changing, and one that could not be read, in seconds.
    private static let retryDelay = (changing: Int64(5), unreadable: Int64(3600))

    /// What has to be done to the database before the catalog goes on.
    private enum Repair {
        case none
        case setAside(reason: String)
        case open
    }

    /// Scans, then watches, and hashes meanwhile; until the task is cancelled.
    ///
    /// A damaged database is replaced. What this host does not give (a disk that is full or fails,
    /// descriptors) is logged and asked for again; what is known stays searchable meanwhile.
    package func run() async {
        state.withLock { $0.isRunning = true }
        defer { stop() }
        var repair = Repair.none
        var pause = Duration.zero
        while !Task.isCancelled {
            do {
                try perform(&repair)
                try await runOnce()
            } catch is CancellationError {
                return
            } catch {
                let isWell = state.withLock { $0.status.state != .scanning }
                if isWell { pause = .zero }
                if case SQLiteError.damaged(let failure) = error {
                    repair = .setAside(reason: failure.message)
                } else {
                    pause = max(pause, Self.pause.first)
                    suspend(for: pause, because: error)
                }
                await Self.wait(pause)
                pause = min(max(pause * 2, Self.pause.first), Self.pause.max)
            }
        }
    }

    /// Ended by a cancellation.
    private static func wait(_ pause: Duration) async {
        do {
            try await Task.sleep(for: pause)
        } catch {
            // Whoever waits looks for it.
        }
    }

    private func suspend(for pause: Duration, because error: any Error) {
        logger.report(
            .catalogSuspended,
            [
                "error": "\(error)", "shared_dir": "\(root.path)",
                "database": "\(databaseFile.path)", "seconds": "\(pause.components.seconds)",
            ])
        state.withLock { state in
            state.status.state = .scanning
            state.status.detail = "cannot index: \(error)"
        }
    }

    private func stop() {
        let waiters = state.withLock { state in
            state.isRunning = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters {
            waiter.resume(throwing: CatalogError.notRunning)
        }
    }

    private func perform(_ repair: inout Repair) throws {
        if case .setAside(let reason) = repair {
            try databaseFile.setAside(because: reason, logger: logger)
            repair = .open
        }
        guard case .open = repair else { return }
        let store = try databaseFile.open(logger: logger) { [weak self] totals in
            self?.storeChanged(totals)
        }
        state.withLock { state in
            state.store = store
            state.damage = nil
        }
        repair = .none
    }

    private func runOnce() async throws {
        let store = state.withLock { $0.store }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.index(store) }
            group.addTask { try await self.hash(store) }
            group.addTask { try await self.requestRescans() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func requestRescans() async throws {
        while true {
            try await Task.sleep(for: rescanInterval)
            state.withLock { $0.isScanRequested = true }
            indexSignal.raise()
        }
    }

    // MARK: Indexing

    private func index(_ store: CatalogStore) async throws {
        let known = max(store.totals.files, 1)
        let watch = makeWatch()
        let scanner = Scanner(
            root: root, store: store, exclusions: exclusions, watch: watch, logger: logger
        ) { [weak self] seen in
            self?.setScanProgress(seen: seen, known: known)
        }
        try await scan(scanner)
        while true {
            try await indexSignal.wait()
            if let damage = state.withLock({ $0.damage }) {
                throw SQLiteError.damaged(
                    .init(extendedCode: 11, message: damage, sql: "search"))
            }
            let changes = watch?.takeChanges() ?? DirectoryWatch.Changes()
            if isScanWanted || changes.isIncomplete {
                try await scan(scanner)
            } else if !changes.isEmpty {
                try await scanner.refresh(changes.paths)
            }
        }
    }

    private func makeWatch() -> DirectoryWatch? {
        do {
            let signal = indexSignal
            return try DirectoryWatch { signal.raise() }
        } catch {
            logger.report(
                .directoryNotWatched,
                ["error": "\(error)", "sysctl": "fs.inotify.max_user_instances"])
            return nil
        }
    }

    private var isScanWanted: Bool {
        state.withLock { $0.isScanRequested || !$0.waiters.isEmpty }
    }

    /// Scans, and answers those who asked for it before it began.
    private func scan(_ scanner: Scanner) async throws {
        let waiters = state.withLock { state in
            state.status.state = .scanning
            state.status.progress = 0
            state.isScanRequested = false
            defer { state.waiters = [] }
            return state.waiters
        }
        let result: ScanResult
        do {
            result = try await scanner.scanAll()
        } catch {
            for waiter in waiters {
                waiter.resume(throwing: error)
            }
            throw error
        }
        let isWatching = await scanner.isWatching
        state.withLock { state in
            state.status.state = isWatching ? .watching : .polling
        }
        setHashProgress()
        hashSignal.raise()
        for waiter in waiters {
            waiter.resume(returning: result)
        }
    }

    private func setScanProgress(seen: Int64, known: Int64) {
        state.withLock { state in
            guard state.status.state == .scanning else { return }
            state.status.progress = min(1, Double(seen) / Double(known))
            state.status.detail = "indexing, \(seen) files seen"
        }
    }

    // MARK: Hashing

    private func hash(_ store: CatalogStore) async throws {
        while true {
            let now = Int64(time(nil))
            let files = try await store.unhashed(
                limit: Self.hashBatch.files, bytes: Self.hashBatch.bytes, now: now)
            setHashProgress()
            if files.isEmpty {
                try await waitForWork(store, now: now)
            } else {
                try await hash(files, store, now: now)
            }
        }
    }

    private func waitForWork(_ store: CatalogStore, now: Int64) async throws {
        let retry = try await store.nextRetry()
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let retry {
                let delay = Duration.seconds(max(1, retry - now))
                group.addTask {
                    try await Task.sleep(for: delay)
                    self.hashSignal.raise()
                }
            }
            defer { group.cancelAll() }
            try await hashSignal.wait()
        }
    }

    private func hash(
        _ files: [CatalogStore.Unhashed], _ store: CatalogStore, now: Int64
    ) async throws {
        var hashed: [CatalogStore.Hashed] = []
        var putOff: [(row: Int64, until: Int64)] = []
        for file in files {
            do {
                let open = try open(RelativePath(file.path))
                let digest = try await queueHasher.digest(of: open)
                hashed.append(
                    .init(file: file, status: digest.status, sha256: digest.sha256))
            } catch is CatalogError {
                putOff.append((file.row, now + Self.retryDelay.changing))
            } catch let error as RootedFileError {
                logger.debug("not hashed: \(error)")
                putOff.append((file.row, now + Self.retryDelay.unreadable))
            }
        }
        try await store.finish(
            hashed, putOff: putOff, retryStale: now + Self.retryDelay.changing)
    }

    private func setHashProgress() {
        let totals = totals
        state.withLock { state in
            guard state.status.state != .scanning else { return }
            let isDone = totals.hashed >= totals.files
            state.status.progress =
                isDone ? 1 : Double(totals.hashed) / Double(max(totals.files, 1))
            state.status.detail =
                isDone ? nil : "hashing, \(totals.hashed) of \(totals.files) files"
        }
    }
}
