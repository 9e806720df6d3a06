import Dispatch
import Glibc
import Locking
import RootedFiles
import SystemPackage

/// Collects which paths changed beneath a directory, by inotify(7): one watch a directory.
///
/// Many changes of one path are one; beyond a bound all of them become "scan everything".
final class DirectoryWatch: Sendable {
    struct Changes: Sendable {
        /// To be looked at again: files and directories, there or not.
        var paths: Set<RelativePath> = []
        /// Changes were lost, or too many to keep.
        var isIncomplete = false

        var isEmpty: Bool { paths.isEmpty && !isIncomplete }
    }

    private struct State {
        /// Watched directories; nil is the root.
        var directories: [Int32: RelativePath?] = [:]
        var changes = Changes()
    }

    /// About 1 MB; more than a burst of a moment has. (guess)
    private static let changesMax = 8192
    private static let readBytes = 64 << 10
    /// Attributes count, too: chmod can make a file readable, touch makes it another.
    private static let mask = UInt32(
        IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB
            | IN_ONLYDIR | IN_EXCL_UNLINK)

    private let descriptor: FileDescriptor
    private let source: Locked<any DispatchSourceRead>
    private let state = Locked(State())

    /// - Parameter onChange: Called when there is something to take, from a thread of its own.
    /// - Throws: The errno of inotify_init1(2): EMFILE at fs.inotify.max_user_instances.
    init(onChange: @escaping @Sendable () -> Void) throws(Errno) {
        let raw = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard raw >= 0 else { throw Errno(rawValue: errno) }
        descriptor = FileDescriptor(rawValue: raw)
        source = Locked(
            DispatchSource.makeReadSource(
                fileDescriptor: raw, queue: DispatchQueue(label: "catalog.inotify")))
        source.withLock { source in
            source.setEventHandler { [weak self] in
                if self?.readEvents() == true { onChange() }
            }
            // Dispatch wants the descriptor open until the source is gone.
            source.setCancelHandler { _ = Glibc.close(raw) }
            source.activate()
        }
    }

    deinit {
        source.withLock { $0.cancel() }
    }

    /// Watches a directory, or learns that one that is watched has another path now.
    ///
    /// - Throws: The errno of inotify_add_watch(2): ENOSPC at fs.inotify.max_user_watches.
    func add(_ entries: DirectoryEntries, at path: RelativePath?) throws(Errno) {
        // Events of this directory wait for the lock, and then know the path.
        let failure: Errno? = state.withLock { state in
            let watch = inotify_add_watch(
                descriptor.rawValue, entries.descriptorPath, Self.mask)
            if watch < 0 { return Errno(rawValue: errno) }
            state.directories.updateValue(path, forKey: watch)
            return nil
        }
        if let failure { throw failure }
    }

    /// Forgets a directory and those beneath it.
    func removeTree(_ path: RelativePath) {
        let prefix = "\(path.string)/"
        state.withLock { state in
            for case (let watch, let directory?) in state.directories
            where directory == path || directory.string.utf8.starts(with: prefix.utf8) {
                // Fails for a directory that is gone; its watch went with it.
                _ = inotify_rm_watch(descriptor.rawValue, watch)
                state.directories.removeValue(forKey: watch)
            }
        }
    }

    func takeChanges() -> Changes {
        state.withLock { state in
            defer { state.changes = Changes() }
            return state.changes
        }
    }

    /// - Returns: Whether there is something to take.
    private func readEvents() -> Bool {
        var buffer = [UInt8](repeating: 0, count: Self.readBytes)
        let count = Glibc.read(descriptor.rawValue, &buffer, buffer.count)
        guard count > 0 else { return false }
        return state.withLock { state in
            buffer[..<count].withUnsafeBytes { bytes in
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= bytes.count {
                    offset += Self.note(bytes, at: offset, in: &state)
                }
            }
            return !state.changes.isEmpty
        }
    }

    /// Layout of an event, inotify(7): `wd`, `mask`, `cookie`, `len` of 32 bits each, and a name
    /// of `len` bytes padded with NULs.
    ///
    /// - Returns: Its length in bytes.
    private static func note(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, in state: inout State
    ) -> Int {
        let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
        let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
        let name = bytes[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }
        note(watch: watch, mask: mask, name: Array(name), in: &state)
        return 16 + length
    }

    private static func note(
        watch: Int32, mask: UInt32, name: [UInt8], in state: inout State
    ) {
        if mask & UInt32(IN_Q_OVERFLOW) != 0 {
            state.changes.isIncomplete = true
        } else if mask & UInt32(IN_IGNORED) != 0 {
            state.directories.removeValue(forKey: watch)
        } else if !name.isEmpty, let directory = state.directories[watch] {
            guard let path = path(of: name, in: directory) else { return }
            state.changes.paths.insert(path)
        }
        if state.changes.paths.count > changesMax { state.changes.isIncomplete = true }
        if state.changes.isIncomplete { state.changes.paths = [] }
    }

    /// nil for what can not be shared anyway: not UTF-8, or too long.
    private static func path(of name: [UInt8], in directory: RelativePath?) -> RelativePath? {
        do {
            let prefix = directory.map { Array("\($0.string)/".utf8) } ?? []
            return try RelativePath(bytes: prefix + name)
        } catch {
            return nil
        }
    }
}
