import ArgumentParser
import Glibc
import Varlink

/// Where a command has a password from: a file, the terminal, or what is piped into it. Never from
/// an argument, which every user of the host could read.
struct PasswordOptions: ParsableArguments {
    static let discussion = """
        Asks for the password on the terminal, twice and without showing it. Where standard input \
        is no terminal, the password is its first line.
        """
    /// As the directory's own limit, in bytes.
    private static let bytesMax = 1024

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the password, such as a systemd credential.",
            valueName: "file"),
        completion: .file())
    var passwordFile: String?

    /// - Parameters:
    ///   - name: Whose password it is.
    ///   - action: What the user asked for, for errors.
    ///   - interrupt: A descriptor that is readable when the user has had enough.
    func read(
        for name: String, action: String, interrupt: Int32?, _ console: Console
    ) throws(CommandFailure) -> String {
        PasswordInput.keepOutOfCores()
        if let passwordFile {
            let file = OwnedDescriptor(owning: open(passwordFile, O_RDONLY | O_CLOEXEC))
            guard file.rawValue >= 0 else {
                throw CommandFailure(
                    .failed,
                    "\(action): cannot read \(TerminalText.escaped(passwordFile)):"
                        + " \(reason(errno))")
            }
            return try checked(PasswordInput(descriptor: file.rawValue).line(interrupt), action)
        }
        let input = PasswordInput(descriptor: STDIN_FILENO)
        guard isatty(STDIN_FILENO) == 1 else {
            return try checked(input.line(interrupt), action)
        }
        let shown = TerminalText.escaped(name)
        let first = try checked(
            input.unseenLine("Password for \(shown): ", interrupt, console), action)
        let second = try checked(input.unseenLine("Once more: ", interrupt, console), action)
        guard first == second else {
            throw CommandFailure(.usage, "\(action): the two passwords differ: nothing was changed")
        }
        return first
    }

    private func checked(
        _ line: Result<[UInt8], PasswordInput.Failure>, _ action: String
    ) throws(CommandFailure) -> String {
        switch line {
        case .failure(.interrupted): throw CommandFailure(.interrupted, "\(action): interrupted")
        case .failure(.system(let code)):
            throw CommandFailure(.failed, "\(action): cannot read the password: \(reason(code))")
        case .success(let bytes):
            guard (1...Self.bytesMax).contains(bytes.count),
                let password = String(validating: bytes, as: UTF8.self)
            else {
                throw CommandFailure(
                    .usage,
                    "\(action): a password has 1 to \(Self.bytesMax) bytes of UTF-8, in one line")
            }
            return password
        }
    }
}

/// Reads a line that nobody else is to see.
struct PasswordInput {
    enum Failure: Error {
        case interrupted
        case system(Int32)
    }

    /// Longer lines are cut, and refused for their length.
    private static let bytesMax = 4096

    let descriptor: Int32

    /// A crash must not write what this process holds to a disk.
    static func keepOutOfCores() {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        // The password is in memory for moments; where the system refuses, so it is.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }

    /// Asks for a line on a terminal, without echo.
    func unseenLine(
        _ prompt: String, _ interrupt: Int32?, _ console: Console
    ) -> Result<[UInt8], Failure> {
        var before = termios()
        guard tcgetattr(descriptor, &before) == 0 else { return .failure(.system(errno)) }
        var unseen = before
        unseen.c_lflag &= ~tcflag_t(ECHO)
        // What was typed ahead was shown: it is thrown away.
        guard tcsetattr(descriptor, TCSAFLUSH, &unseen) == 0 else {
            return .failure(.system(errno))
        }
        console.diagnostics(prompt)
        let line = line(interrupt)
        // A terminal that is gone needs no echo.
        _ = tcsetattr(descriptor, TCSAFLUSH, &before)
        console.diagnostics("\n")
        return line
    }

    /// A line without its end, or what there is of it.
    func line(_ interrupt: Int32?) -> Result<[UInt8], Failure> {
        var line: [UInt8] = []
        // Byte by byte: what follows the line is not this program's.
        while line.count < Self.bytesMax {
            var entries = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: interrupt ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&entries, 2, -1) < 0 {
                if errno == EINTR { continue }
                return .failure(.system(errno))
            }
            if entries[1].revents != 0 { return .failure(.interrupted) }
            var byte: UInt8 = 0
            let count = Glibc.read(descriptor, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return .failure(.system(errno)) }
            if count == 0 || byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return .success(line)
    }
}
