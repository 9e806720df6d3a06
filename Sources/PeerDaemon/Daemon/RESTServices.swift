import Logging
import PrometheusExposition

/// The REST face on its two ports.
struct RESTServices {
    let api: HTTPListener<RESTResponder>
    let metrics: HTTPListener<MetricsResponder>

    init(
        node: Peer, directory: DirectoryRole?, sockets: PublicSockets, limiter: ClientLimiter,
        metrics registry: PrometheusRegistry,
        transfers: TransferCounters, logger: Logger
    ) {
        let face = RESTFace(
            node: node, directory: directory, limiter: limiter,
            metrics: { accept in
                let format = ExpositionFormat(accept: accept)
                return (format.contentType, await registry.render(format))
            }, logger: logger,
            fileBytesSent: { transfers.add(.sent, bytes: Int64($0)) })
        api = HTTPListener(
            socket: sockets.rest, responder: RESTResponder(face: face),
            channelConfiguration: RESTFace.channelConfiguration(
                directory == nil ? .peer : .directory), logger: logger)
        metrics = HTTPListener(
            socket: sockets.metrics, responder: MetricsResponder(face: face),
            channelConfiguration: RESTFace.channelConfiguration(), logger: logger)
    }
}
