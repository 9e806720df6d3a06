import CLinux
import Glibc

/// What the process asks of the system before anything else.
package enum ProcessLimits {
    /// Takes all open files that the hard limit allows: connections and files beyond it are refused one
    /// by one.
    package static func raiseOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // The old limit serves when the system refuses.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Gives back the pages of code that only the start needed; see docs/decisions/0036-resident-code.md.
    static func releaseStartupCode() {
        // Where the system refuses, they stay.
        _ = clinux_release_program_text()
    }

    /// A core file of a directory would hold passwords that it was checking.
    package static func forbidCoreFiles() {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }

    /// A reload that is asked for during the start must not end the process, nor may a log that nobody
    /// reads any more.
    package static func ignoreSignals() {
        signal(SIGHUP, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
    }
}
