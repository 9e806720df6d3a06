import Glibc
import Locking
import RootedFiles
import SystemPackage

/// The shared directory: received in its staging area under the SHA-256, then given its name in
/// one atomic step.
package final class StagedDestination: FetchDestination {
    /// What goes to the disk at once while the rest is received, in bytes: a piece.
    private static let writebackBytes: Int64 = 1 << 20

    private let root: RootedDirectory
    private let staging: StagingArea
    private let key: StagingArea.Key
    private let name: RelativePath
    private let conflict: StagingArea.Conflict
    private let file = Locked<OpenFile?>(nil)

    /// - Parameter conflict: `replace` is what the user calls force.
    package init(
        root: RootedDirectory, staging: StagingArea, key: StagingArea.Key, name: RelativePath,
        conflict: StagingArea.Conflict
    ) {
        self.root = root
        self.staging = staging
        self.key = key
        self.name = name
        self.conflict = conflict
    }

    package var path: String { name.string }
    package var place: String { root.path }

    /// Locked while it is open, so that two fetches do not write into each other's bytes.
    package func open() throws(FetchError) -> Int64 {
        if conflict == .refuse, try isTaken() { throw .alreadyExists(path: path) }
        do {
            let partial = try staging.open(key)
            guard flock(partial.descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                throw FetchError.inProgress(path: path)
            }
            file.withLock { $0 = partial }
            return try partial.status().size
        } catch let error as RootedFileError {
            throw diskError(renamed(error))
        } catch {
            throw .inProgress(path: path)
        }
    }

    /// Asked before the first byte; `publish` asks again, atomically.
    private func isTaken() throws(FetchError) -> Bool {
        do {
            _ = try root.status(of: name)
            return true
        } catch  where error.reason == .notFound {
            return false
        } catch {
            throw diskError(error)
        }
    }

    package func length() throws(RootedFileError) -> Int64 {
        try attempt { file throws(RootedFileError) in try file.status().size }
    }

    package func reserve(_ size: Int64) throws(RootedFileError) {
        try attempt { file throws(RootedFileError) in try file.preallocate(size) }
    }

    package func read(
        into buffer: inout [UInt8], at offset: Int64
    ) throws(RootedFileError) -> Int {
        do {
            return try opened.read(into: &buffer, at: offset)
        } catch {
            throw renamed(error)
        }
    }

    package func write(_ bytes: RawSpan, at offset: Int64) throws(RootedFileError) {
        let file = opened
        do {
            try file.write(bytes, at: offset)
        } catch {
            throw renamed(error)
        }
        let end = (offset + Int64(bytes.byteCount)) / Self.writebackBytes * Self.writebackBytes
        guard end > offset else { return }
        file.beginWriteback(from: end - Self.writebackBytes, count: Int(Self.writebackBytes))
    }

    package func truncate(to size: Int64) throws(RootedFileError) {
        try attempt { file throws(RootedFileError) in try file.truncate(to: size) }
    }

    package func publish() throws(RootedFileError) {
        try attempt { _ throws(RootedFileError) in
            _ = try staging.publish(key, as: name, onConflict: conflict)
        }
    }

    package func discard() throws(RootedFileError) {
        try attempt { _ throws(RootedFileError) in try staging.remove(key) }
    }

    /// Releases the lock with the last reference to the file.
    package func close() {
        file.withLock { $0 = nil }
    }

    private func attempt<Value>(
        _ body: (OpenFile) throws(RootedFileError) -> Value
    ) throws(RootedFileError) -> Value {
        do {
            return try body(opened)
        } catch {
            throw renamed(error)
        }
    }

    /// Users know the name that the file is to have, not that of the partial file.
    private func renamed(_ error: RootedFileError) -> RootedFileError {
        RootedFileError(path: path, reason: error.reason)
    }

    private var opened: OpenFile {
        guard let file = file.withLock({ $0 }) else {
            preconditionFailure("\(path) is used before open()")
        }
        return file
    }
}
