/// The three public ports, listening.
struct PublicSockets: Sendable {
    let rest: ListeningSocket
    let grpc: ListeningSocket
    let metrics: ListeningSocket

    /// Takes what was passed and binds the others as they are configured.
    init(
        _ configuration: PeerConfiguration, passed: PassedSockets
    ) throws(StartupFailure) {
        func socket(
            _ role: PassedSockets.Role, _ key: String, _ port: Int
        ) throws(StartupFailure) -> ListeningSocket {
            if let socket = passed.publicSockets[role] { return socket }
            return try ListeningSocket(key: key, address: configuration.bindAddress, port: port)
        }
        rest = try socket(.rest, "rest_port", configuration.restPort)
        grpc = try socket(.grpc, "grpc_port", configuration.grpcPort)
        metrics = try socket(.metrics, "metrics_port", configuration.metricsPort)
    }

    var ports: NodeIdentity.Ports {
        NodeIdentity.Ports(rest: rest.port, grpc: grpc.port, metrics: metrics.port)
    }
}
