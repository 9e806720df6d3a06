import Glibc
import SystemPackage

/// Where files lie until they are complete and proved: `.p2p-peer/` under the shared root.
///
/// It is in the same file system, so that giving a file its final name is one rename; it is
/// hidden, of mode 0700, and never served. A crash at any instant leaves partial files here and
/// nothing under a final name.
package final class StagingArea: Sendable {
    /// The name of a partial file: a SHA-256 in 64 lower-case hexadecimal digits, or that of an
    /// upload, whose SHA-256 nobody knows before its end.
    package struct Key: Hashable, Sendable {
        fileprivate static let uploadPrefix = "upload-"

        package let string: String

        /// A new one for an upload: 128 random bits.
        package static func upload() -> Key {
            let random = UInt128.random(in: 0 ... .max)
            let digits = String(random, radix: 16)
            let padding = String(repeating: "0", count: 32 - digits.count)
            return Key(name: "\(uploadPrefix)\(padding)\(digits)")
        }

        private init(name: String) {
            string = name
        }

        /// As an entry of the area has it; nil for what is no upload's.
        fileprivate init?(uploadEntry entry: [UInt8]) {
            let name = String(decoding: entry, as: UTF8.self)
            guard name.hasPrefix(Self.uploadPrefix) else { return nil }
            self.init(name: name)
        }

        /// nil when `string` is no such digest.
        package init?(_ string: String) {
            let digits = string.utf8
            guard
                digits.count == 64,
                digits.allSatisfy({
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
                })
            else { return nil }
            self.string = string
        }
    }

    /// A file that was begun.
    package struct Partial: Sendable {
        package let key: Key
        package let status: FileStatus
    }

    /// What to do when the final name is taken.
    package enum Conflict: Sendable {
        case refuse
        case replace
    }

    let root: RootedDirectory
    let descriptor: FileDescriptor

    init(root: RootedDirectory) throws(RootedFileError) {
        let name = RootedDirectory.stagingName
        do {
            descriptor = try Self.openOrMakeDirectory(name, in: root.descriptor, mode: 0o700)
        } catch {
            throw RootedFileError(path: "\(root.path)/\(name)", errno: error)
        }
        self.root = root
    }

    deinit {
        descriptor.closeUnwritten()
    }

    /// Opens the partial file of `key` for reading and writing, or begins it.
    ///
    /// One that has a second name is begun anew: a crash between linking and unlinking can leave
    /// one, and writing to it would change a file that is already published.
    package func open(_ key: Key) throws(RootedFileError) -> OpenFile {
        let file = try open(key, flags: O_CREAT)
        if try file.status().linkCount == 1 { return file }
        try remove(key)
        return try open(key, flags: O_CREAT)
    }

    private func open(_ key: Key, flags: Int32) throws(RootedFileError) -> OpenFile {
        let path = displayPath(key)
        let partial: FileDescriptor
        do {
            partial = try FileSystemCalls.open(
                key.string, in: descriptor, flags: O_RDWR | O_NONBLOCK | flags, mode: 0o600)
        } catch {
            throw RootedFileError(path: path, errno: error)
        }
        return try OpenFile(taking: partial, path: path)
    }

    /// Gives a complete file its final name; parent directories are made.
    ///
    /// In this order: permissions and bytes to the disk, the name in one atomic step, the
    /// directory to the disk. When it throws before the step, the partial file is still here.
    ///
    /// - Parameters:
    ///   - permissions: Of the published file; the umask is not applied.
    ///   - modified: mtime to give it; nil leaves the time of the last write.
    /// - Throws: `exists` when the name is taken and `conflict` is `refuse`; `notFound` when
    ///   nothing was begun under `key`; `outside` for a path in the staging area.
    /// - Returns: Of the published file.
    @discardableResult
    package func publish(
        _ key: Key, as path: RelativePath, onConflict conflict: Conflict,
        permissions: UInt32 = 0o644, modified: FileStatus.Timestamp? = nil
    ) throws(RootedFileError) -> FileStatus {
        if path.isStaging {
            throw RootedFileError(path: path.string, reason: .outside)
        }
        let file = try open(key, flags: 0)
        try file.setPermissions(permissions)
        if let modified { try file.setModified(modified) }
        try file.datasync()
        do {
            let parent = try makeParents(of: path)
            defer { parent.closeUnwritten() }
            try rename(key, to: path.name, in: parent, onConflict: conflict)
            try FileSystemCalls.synchronize(parent)
        } catch {
            throw RootedFileError(path: path.string, errno: error)
        }
        return try file.status()
    }

    func rename(
        _ key: Key, to name: String, in parent: FileDescriptor, onConflict conflict: Conflict
    ) throws(Errno) {
        switch conflict {
        case .refuse:
            try FileSystemCalls.renameWithoutReplacing(
                key.string, in: descriptor, to: name, in: parent)
        case .replace:
            try FileSystemCalls.rename(key.string, in: descriptor, to: name, in: parent)
        }
    }

    /// - Returns: The directory that `path` is to be in, open; the caller closes it.
    func makeParents(of path: RelativePath) throws(Errno) -> FileDescriptor {
        var current = try FileSystemCalls.openDirectory(".", in: root.descriptor)
        for name in path.parent?.components ?? [] {
            let outer = current
            defer { outer.closeUnwritten() }
            current = try Self.openOrMakeDirectory(name, in: current, mode: 0o755)
        }
        return current
    }

    /// A directory that is made is on the disk when this returns.
    private static func openOrMakeDirectory(
        _ name: String, in directory: FileDescriptor, mode: UInt32
    ) throws(Errno) -> FileDescriptor {
        do {
            return try FileSystemCalls.openDirectory(name, in: directory)
        } catch .noSuchFileOrDirectory {
            do {
                try FileSystemCalls.makeDirectory(name, in: directory, mode: mode)
                try FileSystemCalls.synchronize(directory)
            } catch .fileExists {
                // Somebody else made it in between.
            }
            return try FileSystemCalls.openDirectory(name, in: directory)
        }
    }

    /// Nothing happens when there is none.
    package func remove(_ key: Key) throws(RootedFileError) {
        do {
            try FileSystemCalls.remove(key.string, in: descriptor)
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw RootedFileError(path: displayPath(key), errno: error)
        }
    }

    /// Removes what was received of an upload and is of no use. What cannot be removed now is at the next
    /// start, ``removeAbandonedUploads()``.
    package func abandon(_ upload: Key) {
        do {
            try remove(upload)
        } catch {
            return
        }
    }

    /// What was begun under a SHA-256 and neither published nor removed; what is not ours is not
    /// listed.
    package func partials() throws(RootedFileError) -> [Partial] {
        let entries = try entries()
        var partials: [Partial] = []
        while let entry = try entries.next() {
            guard let key = Key(String(decoding: entry.name, as: UTF8.self)) else { continue }
            let status = try entries.status(of: key.string)
            if status.kind == .regular { partials.append(Partial(key: key, status: status)) }
        }
        return partials
    }

    /// Removes the partial files that nobody has written to since `seconds` (Unix time).
    ///
    /// - Returns: How many.
    @discardableResult
    package func removePartials(modifiedBefore seconds: Int64) throws(RootedFileError) -> Int {
        let stale = try partials().filter { $0.status.modified.seconds < seconds }
        for partial in stale {
            try remove(partial.key)
        }
        return stale.count
    }

    /// Removes what uploads have left that are not under way any more: nobody can continue one.
    ///
    /// - Returns: How many.
    @discardableResult
    package func removeAbandonedUploads() throws(RootedFileError) -> Int {
        let entries = try entries()
        var count = 0
        while let entry = try entries.next() {
            guard let key = Key(uploadEntry: entry.name) else { continue }
            do {
                // A directory or FIFO of that name is not ours to remove.
                guard try entries.status(of: key.string).kind == .regular else { continue }
                // Who writes to one holds its lock, perhaps in another process.
                let file = try open(key, flags: 0)
                guard flock(file.descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else { continue }
                try remove(key)
                count += 1
            } catch  where error.reason == .notFound {
                // One that has just ended.
            }
        }
        return count
    }

    /// Bytes that a process without privileges can still write to this file system.
    package func freeBytes() throws(RootedFileError) -> Int64 {
        var status = statvfs()
        do {
            try FileSystemCalls.check(fstatvfs(descriptor.rawValue, &status))
        } catch {
            throw RootedFileError(path: root.path, errno: error)
        }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
            by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }

    private func entries() throws(RootedFileError) -> DirectoryEntries {
        let directory = "\(root.path)/\(RootedDirectory.stagingName)"
        let copy: FileDescriptor
        do {
            copy = try FileSystemCalls.openDirectory(".", in: descriptor)
        } catch {
            throw RootedFileError(path: directory, errno: error)
        }
        return try DirectoryEntries(taking: copy, path: directory)
    }

    private func displayPath(_ key: Key) -> String {
        "\(root.path)/\(RootedDirectory.stagingName)/\(key.string)"
    }
}
