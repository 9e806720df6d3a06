import CLinux
import Glibc
import SystemPackage

extension StagingArea {
    /// A file that is complete and proved in memory.
    package struct SmallFile: Sendable {
        package let path: RelativePath
        package let bytes: [UInt8]
        package let modified: FileStatus.Timestamp

        package init(path: RelativePath, bytes: [UInt8], modified: FileStatus.Timestamp) {
            self.path = path
            self.bytes = bytes
            self.modified = modified
        }
    }

    /// Open, and locked, so that a start of the daemon does not take it for abandoned.
    private struct Staged {
        let key: Key
        let file: OpenFile
    }

    /// Gives many small files their names, for the price of one flush of the disk.
    ///
    /// In the order of ``publish(_:as:onConflict:permissions:modified:)``: all bytes to the disk
    /// (syncfs(2)), the names, each in one atomic step, their directories to the disk. A crash leaves some
    /// of the files, each whole.
    ///
    /// - Returns: For each file what it is now, or why it is not there.
    /// - Throws: What says nothing of one file: the disk does not take them. None has its name then, or
    ///   all have, and a power failure may take some back.
    package func publish(
        _ files: [SmallFile], onConflict conflict: Conflict
    ) throws(RootedFileError) -> [Result<FileStatus, RootedFileError>] {
        let staged = files.map(stage)
        do {
            try FileSystemCalls.check(clinux_syncfs(descriptor.rawValue))
        } catch {
            for case .success(let staged) in staged { abandon(staged.key) }
            throw RootedFileError(path: root.path, errno: error)
        }
        let parents = ParentDirectories()
        let results = zip(files, staged).map { file, staged in
            staged.flatMap { name($0, file.path, conflict, parents) }
        }
        do {
            try parents.synchronize()
        } catch {
            throw RootedFileError(path: root.path, errno: error)
        }
        return results
    }

    private func stage(_ file: SmallFile) -> Result<Staged, RootedFileError> {
        if file.path.isStaging {
            return .failure(RootedFileError(path: file.path.string, reason: .outside))
        }
        let key = Key.upload()
        do throws(RootedFileError) {
            let staged = Staged(key: key, file: try open(key))
            // Nobody else knows the name: the lock is free.
            _ = flock(staged.file.descriptor.rawValue, LOCK_EX | LOCK_NB)
            try staged.file.write(file.bytes, at: 0)
            try staged.file.setPermissions(0o644)
            try staged.file.setModified(file.modified)
            return .success(staged)
        } catch {
            abandon(key)
            return .failure(RootedFileError(path: file.path.string, reason: error.reason))
        }
    }

    private func name(
        _ staged: Staged, _ path: RelativePath, _ conflict: Conflict, _ parents: ParentDirectories
    ) -> Result<FileStatus, RootedFileError> {
        do throws(Errno) {
            let parent = try parents.directory(of: path) { () throws(Errno) in
                try makeParents(of: path)
            }
            try rename(staged.key, to: path.name, in: parent, onConflict: conflict)
            return .success(try FileSystemCalls.status(of: staged.file.descriptor))
        } catch {
            abandon(staged.key)
            return .failure(RootedFileError(path: path.string, errno: error))
        }
    }
}

/// The directories of one batch, each opened once.
private final class ParentDirectories {
    private var descriptors: [String: FileDescriptor] = [:]

    deinit {
        for descriptor in descriptors.values { descriptor.closeUnwritten() }
    }

    func directory(
        of path: RelativePath, _ open: () throws(Errno) -> FileDescriptor
    ) throws(Errno) -> FileDescriptor {
        let name = path.parent?.string ?? ""
        if let known = descriptors[name] { return known }
        let opened = try open()
        descriptors[name] = opened
        return opened
    }

    func synchronize() throws(Errno) {
        for descriptor in descriptors.values { try FileSystemCalls.synchronize(descriptor) }
    }
}
