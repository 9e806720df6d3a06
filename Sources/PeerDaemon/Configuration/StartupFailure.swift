/// Exit codes of the daemon. Source: sysexits.h(3head).
package enum ExitCode: Int32, Sendable {
    case success = 0
    /// EX_NOINPUT: a directory or file that was named is not there.
    case noInput = 66
    /// EX_UNAVAILABLE: a port is in use, or another instance runs on the state directory.
    case unavailable = 69
    /// EX_SOFTWARE: a fault of this program.
    case software = 70
    /// EX_OSERR: the system refused something that should work.
    case osError = 71
    /// EX_NOPERM: no permission.
    case noPermission = 77
    /// EX_CONFIG: the configuration has faults.
    case configuration = 78
}

/// Why the daemon does not start: what its user reads, and the exit code.
package struct StartupFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: ExitCode
    /// One line a fault; names what was asked, what went wrong and what to do.
    package let message: String

    package init(code: ExitCode, message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    /// A port that could not be bound because something else has it.
    ///
    /// - Parameter key: The configuration key that names the port.
    package static func portInUse(key: String, address: String, port: Int) -> StartupFailure {
        StartupFailure(
            code: .unavailable,
            message: "\(key): port \(port) on \(address) is in use by another program; "
                + "stop it, or set another port (0 takes a free one)")
    }

    /// A failed system call, with the code that fits its `errno`.
    package static func system(_ what: String, errno: Int32) -> StartupFailure {
        let code: ExitCode =
            switch SystemError(errno: errno).kind {
            case .notFound: .noInput
            case .notPermitted: .noPermission
            case .inUse: .unavailable
            case .other: .osError
            }
        return StartupFailure(code: code, message: "\(what): \(SystemError(errno: errno))")
    }
}
