import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// A request and what became of it, for the log and the metrics.
struct Exchange: Sendable {
    let method: HTTPRequest.Method
    let target: RequestTarget
    /// nil: no such resource.
    let route: Route?
    let metrics: ExchangeMetrics
    let logger: Logger
    private let start = ContinuousClock.now

    init(
        method: HTTPRequest.Method, target: RequestTarget, route: Route?, metrics: ExchangeMetrics,
        logger: Logger
    ) {
        self.method = method
        self.target = target
        self.route = route
        self.metrics = metrics
        self.logger = logger
    }

    var isDownload: Bool {
        guard case .file = route else { return false }
        return method == .get
    }

    /// The same answer; recorded now when it is all there, else when it has been written or has
    /// failed. The answer to a HEAD gets the length that it would have.
    func recorded(_ response: Response) async throws -> Response {
        var response = response
        let isStreamed = isDownload || response.body.contentLength == nil
        if method == .head {
            if response.body.contentLength == nil {
                let counter = ByteCounter()
                try await response.body.write(CountingWriter(counter: counter))
                response.headers[.contentLength] = "\(counter.bytes)"
            }
            record(response.status, bytes: 0)
        } else if isStreamed {
            let (body, status) = (response.body, response.status)
            response.body = ResponseBody(contentLength: body.contentLength) { writer in
                let counter = ByteCounter()
                defer { record(status, bytes: counter.bytes) }
                try await body.write(CountingWriter(counter: counter, next: writer))
            }
        } else {
            record(response.status, bytes: response.body.contentLength ?? 0)
        }
        return response
    }

    private func record(_ status: HTTPResponse.Status, bytes: Int) {
        let duration = ContinuousClock.now - start
        metrics.record(method, route, status, bytes: bytes, duration: duration)
        logger.debug(
            "request",
            metadata: [
                "method": "\(method.rawValue)", "path": "\(target.path)",
                "status": "\(status.code)", "duration": "\(duration)", "bytes": "\(bytes)",
            ])
    }
}

private final class ByteCounter: Sendable {
    private let count = Atomic(0)

    var bytes: Int { count.load(ordering: .relaxed) }

    func add(_ bytes: Int) {
        count.add(bytes, ordering: .relaxed)
    }
}

/// Counts the bytes of a body on their way to the next writer, or to nowhere.
private struct CountingWriter: ResponseBodyWriter {
    let counter: ByteCounter
    var next: (any ResponseBodyWriter)?

    mutating func write(_ buffer: ByteBuffer) async throws {
        try await next?.write(buffer)
        counter.add(buffer.readableBytes)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await next?.finish(trailingHeaders)
    }
}
