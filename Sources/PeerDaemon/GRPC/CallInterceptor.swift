import GRPCCore
import Metrics

/// Counts every call, and holds clients of the seeds' services to the rate limits.
///
/// `p2p.v1` is not limited by rate: a neighbour forwards the searches of many, and fetches as many files
/// as somebody orders. Connections and streams bound it.
struct CallInterceptor: ServerInterceptor {
    let limiter: ClientLimiter
    let node: any Node

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (
                _ request: StreamingServerRequest<Input>, _ context: ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let service = context.descriptor.service.fullyQualifiedService
        if SeedFiles.serviceNames.contains(service) {
            try admit(context.descriptor.method, context.remotePeer)
        }
        let response = try await next(request, context)
        let result =
            switch response.accepted {
            case .success: "accepted"
            case .failure(let error): "\(error.code)"
            }
        // Both are names of registered methods: a bounded set.
        Counter(
            label: "p2p_grpc_calls_total",
            dimensions: [
                ("service", service), ("method", context.descriptor.method), ("result", result),
            ]
        ).increment()
        return response
    }

    private func admit(_ method: String, _ remotePeer: String) throws(RPCError) {
        let verdict = limiter.admit(
            SeedFiles.downloadMethods.contains(method) ? .download : .request,
            from: ClientAddress(grpcPeer: remotePeer), settings: node.settings)
        if case .refused(let retryAfter) = verdict {
            throw RPCError(
                code: .resourceExhausted,
                message: "Rate limit exceeded; try again in \(retryAfter)")
        }
    }
}
