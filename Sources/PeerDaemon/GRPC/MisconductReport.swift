import GRPCNghttp2
import Locking
import LogMessages
import Logging
import Metrics
import NIOCore

/// Counts the gRPC clients that are cut off for what they did, and logs one of them now and then.
///
/// An attack is thousands of connections: each is counted, and a line every ``lineInterval`` says how many
/// there were since the last.
final class MisconductReport: Sendable {
    static let lineInterval = TimeAmount.seconds(10)

    private struct State {
        var lastLine: NIODeadline?
        var unlogged = 0
    }

    private let logger: Logger
    private let state = Locked(State())
    /// One a reason: a bounded set, made at once so that each series is there from the start.
    private let counters: [Misconduct: Counter]

    init(logger: Logger) {
        self.logger = logger
        counters = Dictionary(
            uniqueKeysWithValues: Misconduct.allCases.map { reason in
                (
                    reason,
                    Counter(
                        label: "p2p_grpc_cut_off_total", dimensions: [("reason", reason.rawValue)])
                )
            })
    }

    func report(_ misconduct: Misconduct, from client: SocketAddress?, now: NIODeadline = .now()) {
        counters[misconduct]?.increment()
        guard let unlogged = takeLine(now) else { return }
        logger.report(
            .grpcClientCutOff,
            [
                "reason": "\(misconduct.rawValue)", "client": "\(client?.ipAddress ?? "unknown")",
                "others": "\(unlogged)",
            ])
    }

    /// - Returns: How many went without a line since the last; nil when this one does, too.
    private func takeLine(_ now: NIODeadline) -> Int? {
        state.withLock { state in
            if let lastLine = state.lastLine, now - lastLine < Self.lineInterval {
                state.unlogged += 1
                return nil
            }
            defer { state = State(lastLine: now) }
            return state.unlogged
        }
    }
}
