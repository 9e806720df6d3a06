import GRPCCore
import PeerWire
import SwiftProtobuf

/// `grpc.health.v1`: the server is there, so it serves (grpc/doc/health-checking.md).
struct HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    /// Fully qualified names of what this server answers.
    let services: Set<String>

    func check(
        request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard request.service.isEmpty || services.contains(request.service) else {
            throw RPCError(code: .notFound, message: "no service is named \(request.service)")
        }
        return .with { $0.status = .serving }
    }

    /// Says the state once, and then waits: it changes only with the end of the server.
    func watch(
        request: Grpc_Health_V1_HealthCheckRequest,
        response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext
    ) async throws {
        let isKnown = request.service.isEmpty || services.contains(request.service)
        try await response.write(.with { $0.status = isKnown ? .serving : .serviceUnknown })
        try await context.cancellation.cancelled
        throw RPCError(code: .cancelled, message: "the watch has ended")
    }
}
