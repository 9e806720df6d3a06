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

/// Services that stop at the same time; ends when all have ended, or with the first error.
struct PartsTogether: Service {
    let services: [any Service]

    init(_ services: [any Service]) {
        self.services = services
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services {
                group.addTask { try await service.run() }
            }
            try await group.waitForAll()
        }
    }
}
