import HTTPTypes
import Locking
import Metrics

/// What the metrics say of requests, with the handles kept: to look one up by its labels costs a
/// directory an eighth of a heartbeat (Benchmarks/bench_directory.py).
///
/// Bounded by what is ours: nine methods, the templates of the routes, the statuses that are
/// answered.
final class ExchangeMetrics: Sendable {
    private struct Kind: Hashable {
        let method: String
        let route: String
        let status: Int
    }

    private struct Handles {
        let requests: Counter
        let duration: Metrics.Timer
    }

    private let handles = Locked<[Kind: Handles]>([:])
    private let sentBytes = Counter(label: "p2p_http_sent_bytes_total")

    func record(
        _ method: HTTPRequest.Method, _ route: Route?, _ status: HTTPResponse.Status, bytes: Int,
        duration: Duration
    ) {
        let kind = Kind(
            method: Self.label(method), route: route?.template ?? "unmatched", status: status.code)
        let handles = handles(of: kind)
        handles.requests.increment()
        handles.duration.record(duration: duration)
        sentBytes.increment(by: bytes)
    }

    private func handles(of kind: Kind) -> Handles {
        if let known = handles.withLock({ $0[kind] }) { return known }
        // The registry gives the same series to two that ask at once.
        let made = Handles(
            requests: Counter(
                label: "p2p_http_requests_total",
                dimensions: [
                    ("method", kind.method), ("route", kind.route), ("status", "\(kind.status)"),
                ]),
            duration: Metrics.Timer(
                label: "p2p_http_request_seconds", dimensions: [("route", kind.route)]))
        handles.withLock { $0[kind] = made }
        return made
    }

    /// A client may invent methods; labels may not grow with them.
    private static func label(_ method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .head, .post, .options, .put, .delete, .patch: method.rawValue
        default: "other"
        }
    }
}
