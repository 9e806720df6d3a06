/// Names that Prometheus takes.
///
/// Source: Prometheus data model: metrics match `[a-zA-Z_:][a-zA-Z0-9_:]*`, labels the same
/// without colons. Colons are left to recording rules, so neither has them here.
enum MetricName {
    /// `name` with every other character replaced by `_`: swift-metrics' labels are often
    /// dotted. An empty name becomes `_`.
    static func sanitized(_ name: String) -> String {
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            let letter = (byte | 0x20) &- UInt8(ascii: "a") < 26
            let digit = byte &- UInt8(ascii: "0") < 10
            if digit, bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
            bytes.append(letter || digit ? byte : UInt8(ascii: "_"))
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }

    /// The exported name: `suffix` is added where it is missing.
    static func exported(_ label: String, suffix: String = "") -> String {
        let name = sanitized(label)
        return name.hasSuffix(suffix) ? name : name + suffix
    }
}
