import Locking
import Metrics

/// Counts what is moved, for the metrics and for `status`.
final class TransferCounters: Sendable {
    struct Totals: Sendable, Hashable {
        var active = 0
        var done = 0
        var failed = 0
        var bytesReceived: Int64 = 0
        var bytesSent: Int64 = 0
    }

    enum Direction: String {
        case sent
        case received
    }

    private let totals = Locked(Totals())

    var current: Totals { totals.withLock { $0 } }

    /// Runs `body`, which sends `bytes` when all goes well, and counts it.
    func sending(_ bytes: Int, _ body: () async throws -> Void) async throws {
        try await counted(.sent) {
            try await body()
            add(.sent, bytes: Int64(bytes))
        }
    }

    /// Counts one transfer as active, then as done or failed.
    func counted<Result>(_ direction: Direction, _ body: () async throws -> Result) async throws
        -> Result
    {
        totals.withLock { $0.active += 1 }
        do {
            let result = try await body()
            totals.withLock {
                $0.active -= 1
                $0.done += 1
            }
            Self.transfers(direction, "ok").increment()
            return result
        } catch {
            totals.withLock {
                $0.active -= 1
                $0.failed += 1
            }
            Self.transfers(direction, "failed").increment()
            throw error
        }
    }

    func add(_ direction: Direction, bytes: Int64) {
        totals.withLock { totals in
            switch direction {
            case .sent: totals.bytesSent += bytes
            case .received: totals.bytesReceived += bytes
            }
        }
        Counter(
            label: "p2p_transfer_bytes_total", dimensions: [("direction", direction.rawValue)]
        ).increment(by: bytes)
    }

    private static func transfers(_ direction: Direction, _ result: String) -> Counter {
        Counter(
            label: "p2p_transfers_total",
            dimensions: [("direction", direction.rawValue), ("result", result)])
    }
}
