import CSystemd
import Glibc

/// The sockets that the service manager opened for this service.
///
/// Source: sd_listen_fds_with_names(3).
package enum SocketActivation {
    /// One descriptor, owned by whoever takes it.
    package struct Socket: Equatable, Sendable {
        /// `FileDescriptorName=` of the socket unit; the unit's name where that is not set.
        package let name: String
        /// Close-on-exec.
        package let descriptor: CInt

        package init(name: String, descriptor: CInt) {
            self.name = name
            self.descriptor = descriptor
        }
    }

    /// The manager's description of what it passed does not fit what is open.
    package struct InvalidSockets: Error, Equatable {
        package let errno: CInt
    }

    /// Takes the sockets passed to this process, in the unit's order; empty outside activation.
    ///
    /// Call it once, while the process is still starting: it removes LISTEN_PID, LISTEN_FDS and
    /// LISTEN_FDNAMES from the environment, so that no child takes the sockets for its own.
    package static func takeSockets() throws(InvalidSockets) -> [Socket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else { throw InvalidSockets(errno: -count) }
        defer { free(names) }
        var sockets: [Socket] = []
        for index in 0..<Int(count) {
            let name = names?[index]
            sockets.append(
                Socket(
                    name: name.map { String(cString: $0) } ?? "unknown",
                    // SD_LISTEN_FDS_START is a cast in C, which Swift does not import.
                    descriptor: 3 + CInt(index)))
            free(name)
        }
        return sockets
    }
}
