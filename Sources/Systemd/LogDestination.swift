import Glibc
import Logging

/// Where this process' log goes.
package enum LogDestination: Equatable, Sendable {
    /// Standard error is the journal: structured entries.
    case journal
    /// A terminal, a file, a pipe: readable lines.
    case standardError

    /// Asks whether `descriptor` is the stream to the journal that JOURNAL_STREAM names as
    /// `DEVICE:INODE`. Output redirected since (a shell's `2>file`) is not.
    ///
    /// Source: systemd.exec(5), "$JOURNAL_STREAM".
    package static func detect(
        environment: [String: String], descriptor: CInt = STDERR_FILENO
    ) -> LogDestination {
        guard let stream = environment["JOURNAL_STREAM"] else { return .standardError }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .standardError }
        return stream == "\(status.st_dev):\(status.st_ino)" ? .journal : .standardError
    }

    /// The handler for this destination, for `LoggingSystem.bootstrap`.
    ///
    /// - Parameters:
    ///   - identifier: The program's name: SYSLOG_IDENTIFIER in the journal.
    ///   - level: Followed live, until a logger is given a level of its own.
    package func makeHandler(identifier: String, level: SharedLogLevel) -> any LogHandler {
        switch self {
        case .journal: JournalLogHandler(identifier: identifier, level: level)
        case .standardError: StderrLogHandler(level: level)
        }
    }
}
