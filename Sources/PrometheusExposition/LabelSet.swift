/// The labels of one series, sorted by name, each name once, as they stand between the braces:
/// `code="200",method="GET"`.
struct LabelSet: Hashable, Comparable, Sendable {
    /// Longest value kept, in UTF-8 bytes (guess: longer ones are no labels).
    static let valueBytesMax = 256
    /// Stands for all label sets beyond a metric's bound.
    static let overflow = LabelSet([("overflow", "true")])

    let text: String

    init(_ labels: [(String, String)]) {
        var values: [String: String] = [:]
        for (name, value) in labels { values[Self.name(name)] = value }
        text = values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    }

    static func < (left: LabelSet, right: LabelSet) -> Bool { left.text < right.text }

    /// `le` is the histograms' own, and two leading underscores are Prometheus' own.
    private static func name(_ name: String) -> String {
        let name = MetricName.sanitized(name)
        return name == "le" || name.hasPrefix("__") ? "exported_\(name)" : name
    }

    /// Backslash, quote and line feed are escaped, in both formats.
    private static func escaped(_ value: String) -> String {
        var text = ""
        var bytes = 0
        for scalar in value.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= valueBytesMax else { break }
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
