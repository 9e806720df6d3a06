/// One thing that is wrong with the configuration.
package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where a value came from.
    package enum Origin: Equatable, Sendable {
        /// `line` and `column` count from 1.
        case file(String, line: Int?, column: Int?)
        case environment(variable: String)
        case arguments
    }

    package let origin: Origin
    /// `rate_limit.requests_per_minute`; nil where the fault is the file's.
    package let key: String?
    /// What stood there; never the value of a key that holds a secret.
    package let found: String
    package let expected: String

    package var description: String {
        let place =
            switch origin {
            case .file(let path, nil, _): path
            case .file(let path, let line?, nil): "\(path):\(line)"
            case .file(let path, let line?, let column?): "\(path):\(line):\(column)"
            case .environment(let variable): "environment variable \(variable)"
            case .arguments: "command line"
            }
        let subject = key.map { "\(place): \($0)" } ?? place
        return "\(subject): found \(found), expected \(expected)"
    }

    /// Longest piece of a value that is shown, in characters.
    private static let shownMax = 80

    /// `value` as a fault shows it.
    static func show(_ value: JSONValue, of key: String) -> String {
        if holdsSecret(key) { return "a value that is not shown" }
        return switch value {
        case .null: "null"
        case .bool(let bool): "\(bool)"
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .string(let string): "\"\(quoted(withoutUserInfo(string)))\""
        case .array: "an array"
        case .object: "an object"
        }
    }

    static func holdsSecret(_ key: String) -> Bool {
        // Whatever stands there instead of a URL may be libpq's `password=...`.
        if key == "directory.store" { return true }
        let key = key.lowercased()
        return ["password", "passwd", "secret", "token", "credential"].contains {
            key.contains($0)
        }
    }

    /// Text from outside, safe for a terminal: one line, no control characters, bounded.
    static func quoted(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars.prefix(shownMax) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return text.unicodeScalars.count > shownMax ? shown + "…" : shown
    }

    /// `http://user:password@host` holds a secret whatever its key is called.
    private static func withoutUserInfo(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@"), text.contains("://") else { return text }
        return "…" + text[at...].prefix { $0 != "?" }
    }
}

/// Everything that is wrong with a configuration, at once.
package struct ConfigurationFaults: Error, Equatable, Sendable, CustomStringConvertible {
    package let faults: [Fault]

    /// One line a fault.
    package var description: String {
        faults.map(\.description).joined(separator: "\n")
    }

    package var startupFailure: StartupFailure {
        StartupFailure(code: .configuration, message: description)
    }
}
