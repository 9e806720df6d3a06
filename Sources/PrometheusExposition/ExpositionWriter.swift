/// Writes metrics as text.
///
/// Source: Prometheus "Exposition formats"; OpenMetrics 1.0.
struct ExpositionWriter {
    private let format: ExpositionFormat
    private var bytes: [UInt8] = []

    init(format: ExpositionFormat) {
        self.format = format
        // A service has a few hundred lines of 60 bytes.
        bytes.reserveCapacity(32768)
    }

    mutating func write(_ family: MetricFamily) {
        // OpenMetrics counts `_total` to the sample, not to the metric.
        let isCounter = family.kind == .counter && family.name.hasSuffix("_total")
        let title =
            isCounter && format == .openMetrics ? String(family.name.dropLast(6)) : family.name
        put("# HELP \(title) ")
        putEscaped(help: family.help)
        put("\n# TYPE \(title) \(family.kind.rawValue)\n")
        for point in family.points {
            switch point.value {
            case .number(let number):
                putSample(family.name, point.labels.text, Self.text(number))
            case .histogram(let bounds, let counts, let sum):
                putHistogram(family.name, point.labels.text, bounds, counts, sum)
            }
        }
    }

    consuming func finish() -> [UInt8] {
        if format == .openMetrics { put("# EOF\n") }
        return bytes
    }

    private mutating func putHistogram(
        _ name: String, _ labels: String, _ bounds: [Double], _ counts: [UInt64], _ sum: Double
    ) {
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? boundText(bounds[index]) : "+Inf"
            let separator = labels.isEmpty ? "" : ","
            putSample("\(name)_bucket", "\(labels)\(separator)le=\"\(bound)\"", "\(total)")
        }
        putSample("\(name)_sum", labels, Self.text(sum))
        putSample("\(name)_count", labels, "\(total)")
    }

    private mutating func putSample(_ name: String, _ labels: String, _ value: String) {
        put(name)
        if !labels.isEmpty { put("{\(labels)}") }
        put(" \(value)\n")
    }

    /// OpenMetrics' canonical form has a fraction: `1.0`.
    private func boundText(_ bound: Double) -> String {
        format == .openMetrics ? "\(bound)" : Self.text(bound)
    }

    /// Both formats read numbers as Go's ParseFloat does.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        // Up to 2^53 every whole number is exact.
        if number.rounded() == number, abs(number) <= 9_007_199_254_740_992 {
            return "\(Int64(number))"
        }
        return "\(number)"
    }

    private mutating func put(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func putEscaped(help: String) {
        for byte in help.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): put("\\\\")
            case UInt8(ascii: "\n"): put("\\n")
            case UInt8(ascii: "\"") where format == .openMetrics: put("\\\"")
            default: bytes.append(byte)
            }
        }
    }
}
