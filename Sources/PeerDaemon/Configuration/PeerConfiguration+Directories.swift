import Glibc

extension PeerConfiguration {
    /// Checks that the shared directory can be read, and makes the state directory where it is
    /// missing (mode 0700; its parent must be there).
    package func checkDirectories() throws(StartupFailure) {
        try Self.check(sharedDirectory, key: "shared_dir", access: R_OK | X_OK)
        if mkdir(stateDirectory, 0o700) != 0, errno != EEXIST {
            throw .system(
                "state_dir: \(stateDirectory) cannot be made (its parent has to be there)",
                errno: errno)
        }
        try Self.check(stateDirectory, key: "state_dir", access: R_OK | W_OK | X_OK)
    }

    private static func check(
        _ path: String, key: String, access wanted: CInt
    ) throws(StartupFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT {
                throw StartupFailure(
                    code: .noInput,
                    message: "\(key): \(path) is not there; make it, or name another directory")
            }
            throw .system("\(key): \(path) cannot be used", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw StartupFailure(code: .noInput, message: "\(key): \(path) is not a directory")
        }
        // AT_EACCESS: as the user that the service runs as.
        guard faccessat(AT_FDCWD, path, wanted, AT_EACCESS) == 0 else {
            throw .system("\(key): \(path) cannot be used", errno: errno)
        }
    }
}
