import Glibc

/// The address that a face listens on.
enum ListenAddress {
    /// `host`, but `0.0.0.0` for `::` on a machine without IPv6 (a kernel started with
    /// `ipv6.disable=1`, many containers).
    static func usable(_ host: String) -> String {
        host == "::" && !hasIPv6 ? "0.0.0.0" : host
    }

    private static var hasIPv6: Bool {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }
}
