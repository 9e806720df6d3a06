import Glibc

@testable import PeerDaemon

/// A directory of its own for one test, removed with everything directly in it.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() throws(SystemError) {
        path = "/tmp/p2p-peer-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        guard mkdir(path, 0o700) == 0 else { throw SystemError(errno: errno) }
    }

    deinit {
        Self.remove(path)
    }

    /// Writes `text` to a file, making its directory (one level).
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws(SystemError) {
        if let slash = name.lastIndex(of: "/") { mkdir("\(path)/\(name[..<slash])", 0o700) }
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard descriptor >= 0 else { throw SystemError(errno: errno) }
        defer { close(descriptor) }
        try SmallFile.write(Array(text.utf8), to: descriptor)
    }

    private static func remove(_ path: String) {
        chmod(path, 0o700)
        let names: [String]
        do throws(SystemError) { names = try DirectoryListing.names(in: path) } catch { return }
        for name in names where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
