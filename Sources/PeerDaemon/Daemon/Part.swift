import ServiceLifecycle

/// A service that is cancelled when the daemon stops.
struct Part: Service {
    let body: @Sendable () async throws -> Void

    init(_ body: @escaping @Sendable () async throws -> Void) {
        self.body = body
    }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown(body)
        } catch is CancellationError {
            // That is how it is meant to end.
        }
    }
}

/// A service that is told to stop, and goes on until what is under way has ended.
struct DrainingPart: Service {
    let body: @Sendable () async throws -> Void
    let drain: @Sendable () -> Void

    init(_ body: @escaping @Sendable () async throws -> Void, drain: @escaping @Sendable () -> Void)
    {
        self.body = body
        self.drain = drain
    }

    func run() async throws {
        try await withGracefulShutdownHandler(operation: body, onGracefulShutdown: drain)
    }
}
