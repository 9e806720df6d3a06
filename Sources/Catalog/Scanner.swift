import Dispatch
import LogMessages
import Logging
import RootedFiles
import SQLite
import SystemPackage

/// Brings the store to what the directory holds: all of it, or what is said to have changed.
///
/// Walks with one open directory for each level, on a thread of its own, in batches: neither a
/// directory of any size nor a tree of any size is ever held in memory. Directories are watched
/// before they are listed, so that what is made in between is met at least once.
actor Scanner {
    /// What was left out, for one line of log in total.
    struct Skipped: Equatable, Sendable {
        var namesNotUTF8 = 0
        var unreadable = 0
        var tooDeepOrLong = 0
        /// The first of them, for the operator to start at.
        var example: String?
    }

    /// What a path leads to.
    private enum Presence {
        case file(FileStatus)
        case directory
        /// Nothing, or nothing that is ever shared.
        case absent
        /// It could not be seen just now, for want of descriptors say: no reason to forget it.
        case unknown

        init(_ error: RootedFileError) {
            switch error.reason {
            case .system(.permissionDenied): self = .absent
            case .system: self = .unknown
            case .invalidPath, .notFound, .notARegularFile, .outside, .exists: self = .absent
            }
        }
    }

    private struct Level {
        let entries: DirectoryEntries
        let path: RelativePath?
    }

    private struct Progress {
        var batch: [CatalogStore.Found] = []
        var rows = RowSet()
        var result = ScanResult()
        var skipped = Skipped()
    }

    private static let batchFiles = 512
    /// Levels of directories, each one open: descriptors and 32 KiB apiece.
    private static let depthMax = 128

    private nonisolated let executor = QueueExecutor(label: "catalog.scan", qos: .utility)
    private let root: RootedDirectory
    private let store: CatalogStore
    private let exclusions: Exclusions
    private let logger: Logger
    private let watch: DirectoryWatch?
    private let onProgress: @Sendable (Int64) -> Void
    private var logged = Skipped()
    /// False once a directory could not be watched; changes are then found by rescans alone.
    private(set) var isWatching: Bool

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// - Parameter onProgress: Called with the number of files seen so far.
    init(
        root: RootedDirectory, store: CatalogStore, exclusions: Exclusions,
        watch: DirectoryWatch?, logger: Logger, onProgress: @escaping @Sendable (Int64) -> Void
    ) {
        self.root = root
        self.store = store
        self.exclusions = exclusions
        self.watch = watch
        self.logger = logger
        self.onProgress = onProgress
        isWatching = watch != nil
    }

    /// Compares the whole directory with the store.
    func scanAll() async throws -> ScanResult {
        var progress = Progress()
        try await walk(Level(entries: root.entries(), path: nil), &progress)
        try await sweep(beneath: nil, &progress)
        report(progress.skipped)
        return progress.result
    }

    /// Looks again at `paths`, whatever is or is not there now.
    func refresh(_ paths: Set<RelativePath>) async throws {
        var progress = Progress()
        var gone: [RelativePath] = []
        for path in paths.sorted() where !exclusions.excludes(path) {
            switch presence(of: path) {
            case .file(let status):
                try await take(CatalogStore.Found(path: path, status: status), &progress)
            case .directory:
                try await refreshDirectory(path, &progress)
            case .absent:
                gone.append(path)
            case .unknown:
                // The next scan will see.
                continue
            }
        }
        // What was renamed takes its digest along: it is forgotten last.
        try await flush(&progress)
        for path in gone {
            watch?.removeTree(path)
            progress.result.removed += try await store.removeTree(path)
        }
        // What was skipped is for the next scan to say, in one line for all.
    }

    private func presence(of path: RelativePath) -> Presence {
        do {
            let status = try root.status(of: path)
            switch status.kind {
            case .regular: return .file(status)
            case .directory: return .directory
            case .symbolicLink, .special: return .absent
            }
        } catch {
            return Presence(error)
        }
    }

    /// Whether a file is known to be one that can not be served.
    private func isOutOfReach(_ path: RelativePath) -> Bool {
        do {
            return try !root.isReadable(path)
        } catch {
            if case .absent = Presence(error) { return true }
            return false
        }
    }

    private func refreshDirectory(
        _ path: RelativePath, _ progress: inout Progress
    ) async throws {
        do {
            let entries = try root.openDirectory(path).entries()
            try await walk(Level(entries: entries, path: path), &progress)
        } catch let error as RootedFileError {
            progress.skipped.note(error)
        }
        try await sweep(beneath: path, &progress)
        try await store.remove(paths: [path.string])
    }

    // MARK: Walking

    private func walk(_ start: Level, _ progress: inout Progress) async throws {
        watch(start)
        var levels = [start]
        while let level = levels.last {
            guard let entry = try next(level, &progress) else {
                levels.removeLast()
                continue
            }
            guard let path = path(of: entry, in: level, &progress) else { continue }
            if let status = status(of: entry, path, in: level), status.kind == .regular {
                try await take(CatalogStore.Found(path: path, status: status), &progress)
            } else if entry.kind == .directory || entry.kind == nil,
                let below = enter(path, from: level, depth: levels.count, &progress)
            {
                levels.append(below)
            }
        }
        try await flush(&progress)
    }

    /// A directory that can not be read further ends there.
    private func next(
        _ level: Level, _ progress: inout Progress
    ) throws -> DirectoryEntries.Entry? {
        try Task.checkCancellation()
        do {
            return try level.entries.next()
        } catch {
            progress.skipped.note(error)
            return nil
        }
    }

    /// nil for what is not shared.
    private func path(
        of entry: DirectoryEntries.Entry, in level: Level, _ progress: inout Progress
    ) -> RelativePath? {
        guard let name = String(validating: entry.name, as: UTF8.self) else {
            progress.skipped.namesNotUTF8 += 1
            progress.skipped.setExample(String(decoding: entry.name, as: UTF8.self))
            return nil
        }
        if exclusions.excludes(name: name) { return nil }
        do throws(RelativePath.Fault) {
            guard let directory = level.path else { return try RelativePath(name) }
            return try directory.appending(name)
        } catch {
            progress.skipped.tooDeepOrLong += 1
            progress.skipped.setExample(name)
            return nil
        }
    }

    /// nil for directories that readdir(3) already told, and for what went in between.
    private func status(
        of entry: DirectoryEntries.Entry, _ path: RelativePath, in level: Level
    ) -> FileStatus? {
        guard entry.kind == .regular || entry.kind == nil else { return nil }
        do {
            return try level.entries.status(of: path.name)
        } catch {
            return nil
        }
    }

    private func enter(
        _ path: RelativePath, from level: Level, depth: Int, _ progress: inout Progress
    ) -> Level? {
        guard depth < Self.depthMax else {
            progress.skipped.tooDeepOrLong += 1
            progress.skipped.setExample(path.string)
            return nil
        }
        do {
            let below = Level(entries: try level.entries.entries(of: path.name), path: path)
            watch(below)
            return below
        } catch {
            // Not a directory where readdir(3) did not tell, or gone, or a link since.
            if case .system = error.reason {
                progress.skipped.note(RootedFileError(path: path.string, reason: error.reason))
            }
            return nil
        }
    }

    private func watch(_ level: Level) {
        guard isWatching, let watch else { return }
        do {
            try watch.add(level.entries, at: level.path)
        } catch {
            if error == .noSuchFileOrDirectory { return }
            isWatching = false
            logger.report(
                .watchIncomplete,
                ["error": "\(error)", "sysctl": "fs.inotify.max_user_watches"])
        }
    }

    // MARK: Storing

    private func take(
        _ found: CatalogStore.Found, _ progress: inout Progress
    ) async throws {
        progress.batch.append(found)
        if progress.batch.count >= Self.batchFiles { try await flush(&progress) }
    }

    private func flush(_ progress: inout Progress) async throws {
        let batch = progress.batch
        if batch.isEmpty { return }
        progress.batch = []
        var news: [CatalogStore.Found] = []
        var unreadable: [String] = []
        for (found, known) in zip(batch, try await store.compare(batch)) {
            if case .same(let row) = known {
                progress.rows.insert(row)
            } else if isOutOfReach(found.path) {
                unreadable.append(found.path.string)
                progress.skipped.note(
                    RootedFileError(path: found.path.string, reason: .system(.permissionDenied)))
                continue
            } else {
                news.append(found)
                if case .new = known {
                    progress.result.added += 1
                } else {
                    progress.result.changed += 1
                }
            }
            progress.result.files += 1
            progress.result.bytes &+= found.status.size
        }
        if !news.isEmpty {
            for row in try await store.record(news) {
                progress.rows.insert(row)
            }
        }
        if !unreadable.isEmpty { try await store.remove(paths: unreadable) }
        onProgress(progress.result.files)
    }

    /// Forgets what is known beneath `directory` and was not met, once that is seen to be gone.
    private func sweep(
        beneath directory: RelativePath?, _ progress: inout Progress
    ) async throws {
        let missing = try await store.missing(from: progress.rows, beneath: directory)
        // A file that came while the walk was elsewhere is known, not met, and there.
        let gone = missing.filter { string in
            do {
                let path = try RelativePath(string)
                if exclusions.excludes(path) { return true }
                switch presence(of: path) {
                case .file: return isOutOfReach(path)
                case .directory, .absent: return true
                case .unknown: return false
                }
            } catch {
                return true
            }
        }
        if gone.isEmpty { return }
        try await store.remove(paths: gone)
        progress.result.removed += gone.count
    }

    private func report(_ skipped: Skipped) {
        if skipped == logged || skipped == Skipped() { return }
        logged = skipped
        logger.report(
            .filesNotShared,
            [
                "names_not_utf8": "\(skipped.namesNotUTF8)", "unreadable": "\(skipped.unreadable)",
                "too_deep_or_long": "\(skipped.tooDeepOrLong)",
                "example": "\(skipped.example ?? "")",
            ])
    }
}

extension Scanner.Skipped {
    fileprivate mutating func note(_ error: RootedFileError) {
        unreadable += 1
        setExample("\(error)")
    }

    fileprivate mutating func setExample(_ example: String) {
        if self.example == nil { self.example = example }
    }
}
