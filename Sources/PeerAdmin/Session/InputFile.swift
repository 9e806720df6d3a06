import Glibc
import Varlink

/// A file that the caller sends somewhere, opened as the caller.
struct InputFile {
    /// Open for reading; the daemon gets it.
    let descriptor: OwnedDescriptor
    /// What it is called, without its folders.
    let name: String

    /// - Throws: `noInput` for what cannot be read, and for what is no regular file: its end must
    ///   be known before it is sent.
    init(path: String) throws(CommandFailure) {
        let shown = TerminalText.escaped(path)
        // Without O_NONBLOCK a FIFO would be waited for.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else {
            throw CommandFailure(.noInput, "cannot read \(shown): \(reason(errno))")
        }
        descriptor = OwnedDescriptor(owning: number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(.noInput, "\(shown) is not a regular file")
        }
        name = path.split(separator: "/").last.map(String.init) ?? path
    }
}
