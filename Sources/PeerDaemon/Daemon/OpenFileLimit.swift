import Glibc

/// The process's limit of open files.
package enum OpenFileLimit {
    /// Takes all that the hard limit allows: connections and files beyond it are refused one by one.
    package static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // The old limit serves when the system refuses.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
