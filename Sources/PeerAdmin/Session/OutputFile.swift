import CLinux
import Glibc
import Varlink

/// Words of the C library for an error number.
func reason(_ code: Int32) -> String {
    SystemError("", code: code).reason
}

/// A file that the caller wants outside the shared directory, made as the caller.
///
/// Bytes go to `.NAME.p2p-part` beside it, which survives an interruption and is taken up again;
/// the name appears in one step, when everything is on disk. Locked while in use.
struct OutputFile {
    /// Open for reading and writing; the daemon gets it.
    let partial: OwnedDescriptor
    private let directory: OwnedDescriptor
    private let directoryPath: String
    private let partialName: String
    /// `nil` until the transfer says what the file is called.
    private let name: String?
    private let replaces: Bool

    /// - Parameters:
    ///   - output: A file's path, or a directory's.
    ///   - fileName: What the file is called in a directory; where it is not known yet, `nil`.
    ///   - digest: Names the partial file of one whose name is not known.
    /// - Throws: `cannotCreate`, before anything was made, where the name is taken and `replaces`
    ///   is false.
    init(
        output: String,
        fileName: String?,
        digest: String?,
        replaces: Bool
    ) throws(CommandFailure) {
        var status = stat()
        let isDirectory = stat(output, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        if isDirectory || output.hasSuffix("/") {
            directoryPath = output
            name = fileName
        } else {
            let parts = output.split(separator: "/")
            let slash = output.lastIndex(of: "/")
            directoryPath =
                slash.map { $0 == output.startIndex ? "/" : String(output[..<$0]) } ?? "."
            name = parts.last.map(String.init)
        }
        self.replaces = replaces
        partialName = ".\(name ?? digest ?? "unnamed").p2p-part"
        directory = try Self.open(directory: directoryPath)
        if let name {
            try Self.check(name, in: directory, path: directoryPath, replaces: replaces)
        }
        partial = try Self.openPartial(partialName, in: directory, path: directoryPath)
    }

    /// Gives the file its name, durably.
    ///
    /// - Parameters:
    ///   - fileName: What the transfer calls it, where no name was given.
    ///   - size: Bytes that it must have.
    /// - Returns: Its path.
    func publish(fileName: String, size: Int?) throws(CommandFailure) -> String {
        let name: String
        if let given = self.name { name = given } else { name = try Self.checked(fileName) }
        let path = Self.join(directoryPath, name)
        let number = partial.rawValue
        var status = stat()
        guard fstat(number, &status) == 0 else { throw Self.failure("cannot inspect", path) }
        if let size, status.st_size != size {
            throw CommandFailure(
                .transferFailed,
                "\(TerminalText.escaped(path)): has \(status.st_size) bytes instead of \(size):"
                    + " the same command again repairs it")
        }
        let mask = umask(0o077)
        umask(mask)
        guard fchmod(number, 0o666 & ~mask) == 0, fsync(number) == 0 else {
            throw Self.failure("cannot write", path)
        }
        try rename(to: name, path: path)
        guard fsync(directory.rawValue) == 0 else { throw Self.failure("cannot sync", path) }
        return path
    }

    /// Removes the partial file where nothing has arrived in it.
    func discardIfEmpty() {
        var status = stat()
        if fstat(partial.rawValue, &status) == 0, status.st_size == 0 {
            unlinkat(directory.rawValue, partialName, 0)
        }
    }

    private func rename(to name: String, path: String) throws(CommandFailure) {
        let folder = directory.rawValue
        if replaces {
            guard renameat(folder, partialName, folder, name) == 0 else {
                throw Self.failure("cannot create", path)
            }
            return
        }
        if clinux_rename_noreplace(folder, partialName, folder, name) == 0 { return }
        // File systems that cannot (NFS): a link refuses a name that is taken just as well.
        if errno == EINVAL || errno == ENOSYS,
            linkat(folder, partialName, folder, name, 0) == 0
        {
            unlinkat(folder, partialName, 0)
            return
        }
        throw errno == EEXIST ? Self.taken(path) : Self.failure("cannot create", path)
    }
}

// MARK: - Opening

extension OutputFile {
    /// A name from the network, as the name of a file in one directory.
    private static func checked(_ name: String) throws(CommandFailure) -> String {
        guard !name.isEmpty, name != ".", name != "..", !name.contains("/"),
            !name.utf8.contains(0)
        else {
            throw CommandFailure(
                .cannotCreate,
                "the file is called \"\(TerminalText.escaped(name))\", which cannot be a name here:"
                    + " say --output with one")
        }
        return name
    }

    private static func open(directory path: String) throws(CommandFailure) -> OwnedDescriptor {
        let number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw failure("cannot open the directory", path) }
        return OwnedDescriptor(owning: number)
    }

    private static func check(
        _ name: String,
        in directory: OwnedDescriptor,
        path: String,
        replaces: Bool
    ) throws(CommandFailure) {
        _ = try checked(name)
        var status = stat()
        guard fstatat(directory.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            throw CommandFailure(
                .cannotCreate, "\(TerminalText.escaped(join(path, name))) is a directory")
        }
        if !replaces { throw taken(join(path, name)) }
    }

    private static func openPartial(
        _ name: String,
        in directory: OwnedDescriptor,
        path: String
    ) throws(CommandFailure) -> OwnedDescriptor {
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        let number = openat(directory.rawValue, name, flags, 0o600)
        guard number >= 0 else { throw failure("cannot create", join(path, name)) }
        let file = OwnedDescriptor(owning: number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(
                .cannotCreate, "\(TerminalText.escaped(join(path, name))) is not a regular file")
        }
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
            throw CommandFailure(
                .cannotCreate,
                "\(TerminalText.escaped(join(path, name))) is being written by another p2padm get")
        }
        return file
    }

    private static func join(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }

    private static func taken(_ path: String) -> CommandFailure {
        CommandFailure(
            .cannotCreate, "\(TerminalText.escaped(path)) exists already: --force replaces it")
    }

    /// Reads `errno`.
    private static func failure(_ what: String, _ path: String) -> CommandFailure {
        CommandFailure(.cannotCreate, "\(what) \(TerminalText.escaped(path)): \(reason(errno))")
    }
}
