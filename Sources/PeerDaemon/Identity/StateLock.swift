import Glibc

/// Keeps a second instance off the state directory for as long as it lives.
///
/// The lock is flock(2)'s on `state_dir/lock`, which the kernel drops with the process, so that
/// nothing is left over after a crash; the file holds the pid for people, and stays.
package struct StateLock: ~Copyable, Sendable {
    private let descriptor: CInt

    /// - Parameter stateDirectory: Exists and can be written.
    /// - Throws: ``ExitCode/unavailable`` where another process holds the lock; the message
    ///   names it.
    package init(stateDirectory: String) throws(StartupFailure) {
        let path = "\(stateDirectory)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .system("the lock \(path) cannot be opened", errno: errno)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { close(descriptor) }
            throw Self.refusal(errno, stateDirectory, path)
        }
        guard ftruncate(descriptor, 0) == 0 else {
            defer { close(descriptor) }
            throw .system("the lock \(path) cannot be written", errno: errno)
        }
        do throws(SystemError) {
            try SmallFile.write(Array("\(getpid())\n".utf8), to: descriptor)
        } catch {
            close(descriptor)
            throw .system("the lock \(path) cannot be written", errno: error.errno)
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    private static func refusal(
        _ errno: CInt, _ directory: String, _ path: String
    ) -> StartupFailure {
        guard errno == EWOULDBLOCK else {
            return .system("the lock \(path) cannot be taken", errno: errno)
        }
        return StartupFailure(
            code: .unavailable,
            message: "state_dir: \(directory) is in use by \(holder(path)); "
                + "stop it, or give this instance a state_dir of its own")
    }

    /// The holder writes its pid just after it has the lock, so it may not be there yet.
    private static func holder(_ path: String) -> String {
        do throws(SmallFile.ReadError) {
            let text = String(decoding: try SmallFile.read(path, bytesMax: 32), as: UTF8.self)
            return Int(text.prefix { $0 != "\n" }).map { "process \($0)" } ?? "another process"
        } catch {
            return "another process"
        }
    }
}
