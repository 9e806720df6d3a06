import FoundationEssentials

/// The lines of `--json`: `{"version":1,"type":T,T:{...}}`, one object a line.
///
/// The member named by `type` has the fields of the interface's type of that name. Members are
/// only ever added while `version` is 1.
enum JSONLine {
    static func rendered(_ type: String, _ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(value), as: UTF8.self)
        return "{\"version\":1,\"type\":\"\(type)\",\"\(type)\":\(harmless(json))}\n"
    }

    /// JSON lets through some of what a terminal acts on; it can only stand inside strings.
    private static func harmless(_ json: String) -> String {
        var result = ""
        for scalar in json.unicodeScalars {
            if TerminalText.isActive(scalar) {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
