import Glibc
import Systemd
import Varlink

/// The sockets that the service manager passed, by what they are for.
///
/// A socket is told by its name (`FileDescriptorName=`), or, as all sockets of one socket unit have one
/// name, by its port (docs/decisions/0019).
struct PassedSockets {
    /// What a socket is for; the raw values are the names.
    enum Role: String, CaseIterable {
        case rest, grpc, metrics
        /// ``AdminService`` answers changing calls on `admin` alone.
        case admin, read

        var isPublic: Bool {
            switch self {
            case .rest, .grpc, .metrics: true
            case .admin, .read: false
            }
        }
    }

    /// Name of sockets that their ports tell apart, as is any unit's name, the default of
    /// `FileDescriptorName=`.
    static let byPort = "public"

    /// A port's key in the configuration, and its value there.
    struct ConfiguredPort {
        let role: Role
        let key: String
        let port: Int
    }

    private(set) var publicSockets: [Role: ListeningSocket] = [:]
    private(set) var adminListeners: [VarlinkListener] = []

    /// Nothing was passed.
    init() {}

    /// - Throws: With one line for every socket that cannot be placed.
    init(_ sockets: [SocketActivation.Socket], ports: [ConfiguredPort]) throws(StartupFailure) {
        var faults: [String] = []
        for socket in sockets {
            if let fault = place(socket, ports) {
                faults.append("socket \(socket.name) (descriptor \(socket.descriptor)): \(fault)")
            }
        }
        guard faults.isEmpty else {
            throw StartupFailure(code: .configuration, message: faults.joined(separator: "\n"))
        }
    }

    /// - Returns: Why it cannot be taken.
    private mutating func place(
        _ socket: SocketActivation.Socket, _ ports: [ConfiguredPort]
    ) -> String? {
        if let role = Role(rawValue: socket.name) {
            return role.isPublic
                ? placePublic(socket.descriptor) { _ in role } : placeAdmin(socket, role)
        }
        guard socket.name == Self.byPort || socket.name.hasSuffix(".socket") else {
            let names = Role.allCases.map(\.rawValue).joined(separator: ", ")
            return "FileDescriptorName= is none of \(names), \(Self.byPort)"
        }
        return placePublic(socket.descriptor) { port in
            ports.first { $0.port == port }?.role
        } unknown: { port in
            let known = ports.map { "\($0.key) \($0.port)" }.joined(separator: ", ")
            return "port \(port) is none of the configuration's (\(known)); change them there, or"
                + " ListenStream= in the socket unit"
        }
    }

    private mutating func placePublic(
        _ descriptor: CInt, role: (_ port: Int) -> Role?,
        unknown: (_ port: Int) -> String = { _ in "" }
    ) -> String? {
        guard let socket = ListeningSocket(inherited: descriptor) else {
            return "expected a listening TCP socket (ListenStream= with a port)"
        }
        guard let role = role(socket.port) else { return unknown(socket.port) }
        if let other = publicSockets[role] {
            return "\(role.rawValue) was passed already, with port \(other.port)"
        }
        publicSockets[role] = socket
        return nil
    }

    private mutating func placeAdmin(
        _ socket: SocketActivation.Socket, _ role: Role
    ) -> String? {
        if adminListeners.contains(where: { $0.name == role.rawValue }) {
            return "\(role.rawValue) was passed already"
        }
        do {
            adminListeners.append(
                try VarlinkListener(name: role.rawValue, owning: socket.descriptor))
            return nil
        } catch {
            return "expected a listening local stream socket (ListenStream= with a path)"
        }
    }
}

extension PeerConfiguration {
    /// The ports that sockets without a name of their own are compared with.
    var configuredPorts: [PassedSockets.ConfiguredPort] {
        [
            PassedSockets.ConfiguredPort(role: .rest, key: "rest_port", port: restPort),
            PassedSockets.ConfiguredPort(role: .grpc, key: "grpc_port", port: grpcPort),
            PassedSockets.ConfiguredPort(role: .metrics, key: "metrics_port", port: metricsPort),
        ]
    }
}
