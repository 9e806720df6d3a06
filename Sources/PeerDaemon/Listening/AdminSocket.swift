import Varlink

/// The admin socket, bound: mode 0600, so that its owner and root alone may connect.
enum AdminSocket {
    static func listen(_ configuration: PeerConfiguration) throws(StartupFailure) -> VarlinkListener
    {
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
