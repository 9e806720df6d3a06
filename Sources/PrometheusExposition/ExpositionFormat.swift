/// The two text formats that Prometheus scrapes.
package enum ExpositionFormat: Equatable, Sendable, CaseIterable {
    /// Prometheus text 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    package var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format that a request's Accept header prefers: OpenMetrics where it is asked for at
    /// least as much as plain text, Prometheus text in every other case.
    ///
    /// Source: RFC 9110, §12.5.1.
    package init(accept: String?) {
        var quality = [ExpositionFormat.prometheus: 0.0, .openMetrics: 0.0]
        for range in (accept ?? "").lowercased().split(separator: ",") {
            let parts = range.split(separator: ";").map { part in
                part.filter { $0 != " " && $0 != "\t" }
            }
            let format: ExpositionFormat
            switch parts.first {
            case "application/openmetrics-text" where Self.isKnownOpenMetrics(parts):
                format = .openMetrics
            case "text/plain", "text/*": format = .prometheus
            default: continue
            }
            let weight = parts.first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 }
            quality[format] = max(quality[format] ?? 0, weight ?? 1)
        }
        let openMetrics = quality[.openMetrics] ?? 0
        self =
            openMetrics > 0 && openMetrics >= quality[.prometheus] ?? 0
            ? .openMetrics : .prometheus
    }

    private static func isKnownOpenMetrics(_ parts: [String]) -> Bool {
        guard let version = parts.first(where: { $0.hasPrefix("version=") }) else { return true }
        return version == "version=1.0.0" || version == "version=\"1.0.0\""
    }
}
