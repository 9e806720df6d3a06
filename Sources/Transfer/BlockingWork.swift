import NIOPosix

/// Runs `work`, which blocks for as long as the disk takes, on NIO's thread pool for blocking work.
///
/// Not ended by a cancellation of the task.
///
/// - Throws: What `work` throws; `CancellationError` where the pool is shut down.
func offCooperativePool<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        NIOThreadPool.singleton.submit { state in
            switch state {
            case .active: continuation.resume(with: Result { try work() })
            case .cancelled: continuation.resume(throwing: CancellationError())
            }
        }
    }
}
