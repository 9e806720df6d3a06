import Varlink

/// The admin sockets: those that were passed, or one of the daemon's own.
enum AdminSocket {
    /// Where no `admin` was passed, `admin_socket` is made, mode 0600, so that its owner and root
    /// alone may connect.
    static func listeners(
        _ configuration: PeerConfiguration, passed: PassedSockets
    ) throws(StartupFailure) -> [VarlinkListener] {
        let listeners = passed.adminListeners
        if listeners.contains(where: { $0.name == AdminService.writableListener }) {
            return listeners
        }
        return try [listen(configuration)] + listeners
    }

    private static func listen(
        _ configuration: PeerConfiguration
    ) throws(StartupFailure) -> VarlinkListener {
        do {
            return try VarlinkListener(
                name: AdminService.writableListener, path: configuration.adminSocket, mode: 0o600)
        } catch {
            throw failure(error)
        }
    }

    private static func failure(_ error: ListenError) -> StartupFailure {
        switch error {
        case .system(let cause, let path):
            .system("admin_socket: \(path) cannot be made", errno: cause.code)
        case .inUse:
            StartupFailure(code: .unavailable, message: "admin_socket: \(error)")
        case .notASocket, .notAListeningSocket:
            StartupFailure(code: .osError, message: "admin_socket: \(error)")
        }
    }
}
