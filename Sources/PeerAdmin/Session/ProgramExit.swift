/// What p2padm exits with; the manual page and `--help` say the same.
enum ProgramExit: Int32 {
    case ok = 0
    /// Nothing was found, or the daemon could not do it.
    case failed = 1
    /// EX_USAGE
    case usage = 64
    /// EX_NOINPUT: the file to send cannot be read.
    case noInput = 66
    /// EX_UNAVAILABLE: the daemon does not run.
    case unavailable = 69
    /// EX_CANTCREAT
    case cannotCreate = 73
    /// EX_IOERR: the transfer failed.
    case transferFailed = 74
    /// EX_NOPERM
    case noPermission = 77
    /// EX_CONFIG: `reload` was refused.
    case badConfiguration = 78
    /// 128 + SIGINT
    case interrupted = 130
}

/// Why a command could not do what it was asked for: a line for the user, and the exit status.
struct CommandFailure: Error, Equatable {
    var status: ProgramExit
    /// What was asked, what went wrong, what to do; without the program's name. Further lines
    /// only where there are several faults.
    var message: String

    init(_ status: ProgramExit, _ message: String) {
        self.status = status
        self.message = message
    }
}
