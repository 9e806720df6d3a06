import Glibc
import Logging

/// What a key takes: how a value is read from JSON and from text, how it is shown.
///
/// The environment and the command line have only text; ``parseText`` turns it into the JSON
/// that would have said the same.
struct ValueKind<Value: Equatable & Sendable>: Sendable {
    /// "a port, 0-65535": ends the sentence "expected …".
    let expected: String
    /// Nil: not as expected.
    let parse: @Sendable (JSONValue) -> Value?
    let parseText: @Sendable (String) -> JSONValue
    let render: @Sendable (Value) -> String
}

extension ValueKind where Value == Int {
    static var port: Self { integer(0...65535, "a port, 0-65535") }

    static func count(_ range: ClosedRange<Int>) -> Self {
        integer(range, "a whole number, \(range.lowerBound)-\(range.upperBound)")
    }

    private static func integer(_ range: ClosedRange<Int>, _ expected: String) -> Self {
        Self(
            expected: expected,
            parse: { value in
                guard case .integer(let integer) = value, let number = Int(exactly: integer),
                    range.contains(number)
                else { return nil }
                return number
            },
            parseText: { text in Int64(text).map { .integer($0) } ?? .string(text) },
            render: { "\($0)" })
    }
}

extension ValueKind where Value == Duration {
    /// Whole or fractional seconds.
    static func seconds(_ range: ClosedRange<Double>) -> Self {
        Self(
            expected: "a number of seconds, \(plain(range.lowerBound))-\(plain(range.upperBound))",
            parse: { value in
                let seconds: Double
                switch value {
                case .integer(let integer): seconds = Double(integer)
                case .number(let number): seconds = number
                default: return nil
                }
                return range.contains(seconds)
                    ? .milliseconds(Int64((seconds * 1000).rounded())) : nil
            },
            parseText: { text in
                if let integer = Int64(text) { return .integer(integer) }
                return Double(text).map { .number($0) } ?? .string(text)
            },
            render: { duration in
                let (seconds, attoseconds) = duration.components
                return attoseconds == 0
                    ? "\(seconds)" : "\(Double(seconds) + Double(attoseconds) / 1e18)"
            })
    }
}

/// `0.05`, and `5` where there is no fraction.
private func plain(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? "\(number)"
}

extension ValueKind where Value == String {
    private static func string(
        _ expected: String, _ accept: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            expected: expected,
            parse: { value in
                guard case .string(let string) = value else { return nil }
                return accept(string)
            },
            parseText: { .string($0) }, render: { $0 })
    }

    /// What people call the peer: shown, logged, sent.
    static var name: Self {
        string("a name, 1-128 bytes without control characters") { text in
            let plain = !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
            return plain && (1...128).contains(text.utf8.count) ? text : nil
        }
    }

    /// Relative paths count from the working directory, as the seeds' do.
    static var path: Self {
        string("a path, 1-4095 bytes") { text in
            (1...4095).contains(text.utf8.count) && !text.utf8.contains(0) ? text : nil
        }
    }

    /// Source: unix(7): sun_path holds 108 bytes with its end.
    static var socketPath: Self {
        string("a path of a socket, 1-107 bytes") { text in
            (1...107).contains(text.utf8.count) && !text.utf8.contains(0) ? text : nil
        }
    }

    static var address: Self {
        string("an IPv4 or IPv6 address such as 0.0.0.0 or ::") { text in
            var storage = in6_addr()
            let known =
                inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
            return known ? text : nil
        }
    }

    /// Also names: others resolve it.
    static var host: Self {
        string("an address or host name") { HTTPBaseURL.isHost($0) ? $0 : nil }
    }
}

extension ValueKind where Value == String? {
    /// A REST base URL, or nothing; kept without its last slash.
    static var optionalURL: Self {
        Self(
            expected: "a URL such as http://host:8001, or \"\"",
            parse: { value -> String?? in
                guard case .string(let text) = value else { return nil }
                if text.isEmpty { return .some(nil) }
                return HTTPBaseURL.normalized(text).map { .some($0) }
            },
            parseText: { .string($0) }, render: { $0 ?? "" })
    }
}

extension ValueKind where Value == Logger.Level {
    static var logLevel: Self {
        Self(
            expected: "one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { value in
                guard case .string(let text) = value else { return nil }
                return Logger.Level(rawValue: text)
            },
            parseText: { .string($0) }, render: \.rawValue)
    }
}

extension ValueKind where Value == [String] {
    /// As text: separated by commas, or a JSON array where a glob has one.
    static var globs: Self {
        Self(
            expected: "an array of at most 1000 globs, each 1-255 bytes",
            parse: { value in
                guard case .array(let elements) = value, elements.count <= 1000 else { return nil }
                var globs: [String] = []
                for element in elements {
                    guard case .string(let glob) = element, (1...255).contains(glob.utf8.count),
                        !glob.utf8.contains(0)
                    else { return nil }
                    globs.append(glob)
                }
                return globs
            },
            parseText: { text in
                if text.first == "[",
                    case .success(let array) = Result(catching: {
                        () throws(JSONSyntaxError) in try JSONReader.read(Array(text.utf8))
                    })
                {
                    return array
                }
                return .array(text.split(separator: ",").map { .string(String($0)) })
            },
            render: { $0.joined(separator: ",") })
    }
}
