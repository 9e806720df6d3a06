import CLinux
import FoundationEssentials
import Glibc

/// Where a command writes, and what it may do there.
struct Console {
    /// Results.
    var output: (String) throws(CommandFailure) -> Void
    /// What is not a result: warnings, errors, progress.
    var diagnostics: (String) -> Void
    /// Of results.
    var style: Style
    /// Columns for a progress bar; `nil` where diagnostics do not go to a terminal.
    var progressWidth: Int?
    /// Milliseconds since 1970.
    var now: () -> Int
    /// How long a daemon that went away in the middle is waited for, and then for its peers.
    var restartPatience = Duration.seconds(15)

    /// One line of diagnostics, in the program's name.
    func warn(_ message: String) {
        diagnostics("p2padm: \(message)\n")
    }

    /// The process's own standard output and error.
    static func standard(environment: [String: String]) -> Console {
        let isPlain = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        return Console(
            output: { text throws(CommandFailure) in
                guard write(text, to: STDOUT_FILENO) else {
                    throw CommandFailure(
                        .transferFailed, "cannot write the output: \(reason(errno))")
                }
            },
            // Nothing is left to tell it to when standard error is gone.
            diagnostics: { _ = write($0, to: STDERR_FILENO) },
            style: Style(isColored: isatty(STDOUT_FILENO) == 1 && !isPlain),
            progressWidth: isatty(STDERR_FILENO) == 1 ? terminalWidth() : nil,
            now: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
            })
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }

    private static func terminalWidth() -> Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
