/// Reads a JSON document strictly (RFC 8259), with the line of every key.
///
/// Foundation's JSONDecoder would do but for two things: it keeps no positions, and it takes
/// the last of two equal keys without a word, which in a configuration hides a mistake.
struct JSONReader {
    /// Deepest nesting (guess; a configuration has three levels).
    static let depthMax = 32

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var lineStart = 0

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// - Parameter bytes: The whole document, UTF-8, without a byte order mark.
    static func read(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
        var reader = JSONReader(bytes)
        reader.skipBlanks()
        let value = try reader.value(depth: 0)
        reader.skipBlanks()
        guard reader.index == bytes.count else { throw reader.unexpected("the end of the file") }
        return value
    }

    private var position: TextPosition {
        TextPosition(line: line, column: index - lineStart + 1)
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private func unexpected(_ expected: String) -> JSONSyntaxError {
        let found: String =
            switch next {
            case nil: "the end of the file"
            case .some(let byte) where (0x20..<0x7F).contains(byte):
                "\"\(Unicode.Scalar(byte))\""
            case .some(let byte): "byte 0x\(String(byte, radix: 16))"
            }
        return JSONSyntaxError(position: position, found: found, expected: expected)
    }

    private mutating func skipBlanks() {
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
                lineStart = index + 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            default: return
            }
            index += 1
        }
    }

    /// Takes `byte` if it is next.
    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        guard depth < Self.depthMax else {
            throw JSONSyntaxError(
                position: position, found: "more than \(Self.depthMax) levels",
                expected: "at most \(Self.depthMax)")
        }
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(let byte) where byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") < 10:
            return try number()
        default: throw unexpected("a value")
        }
    }

    private mutating func word(
        _ word: String, _ value: JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        guard bytes[index...].starts(with: word.utf8) else { throw unexpected("\(word)") }
        index += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        index += 1
        var members: [JSONValue.Member] = []
        var keys: Set<String> = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw unexpected("a key in quotes") }
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else {
                throw JSONSyntaxError(
                    position: start, found: "the key \"\(Fault.quoted(key))\" a second time",
                    expected: "each key once")
            }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw unexpected("\":\"") }
            skipBlanks()
            members.append(.init(key: key, position: start, value: try value(depth: depth + 1)))
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw unexpected("\",\" or \"}\"") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        index += 1
        var elements: [JSONValue] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            skipBlanks()
            elements.append(try value(depth: depth + 1))
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw unexpected("\",\" or \"]\"") }
        return .array(elements)
    }

    private mutating func digits() throws(JSONSyntaxError) {
        let start = index
        while let byte = next, byte &- UInt8(ascii: "0") < 10 { index += 1 }
        guard index > start else { throw unexpected("a digit") }
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = index
        let startPosition = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw JSONSyntaxError(
                position: startPosition, found: Fault.quoted(text), expected: "a smaller number")
        }
        return .number(number)
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        index += 1
        var text: [UInt8] = []
        let start = position
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw JSONSyntaxError(
                        position: start, found: "bytes that are not UTF-8", expected: "UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                index += 1
                text += try escape().utf8
            case 0..<0x20: throw unexpected("no control character within a string")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw unexpected("the string's closing quote")
    }

    private mutating func escape() throws(JSONSyntaxError) -> String {
        guard let byte = next else { throw unexpected("an escape") }
        let plain: String? =
            switch byte {
            case UInt8(ascii: "\""): "\""
            case UInt8(ascii: "\\"): "\\"
            case UInt8(ascii: "/"): "/"
            case UInt8(ascii: "b"): "\u{8}"
            case UInt8(ascii: "f"): "\u{C}"
            case UInt8(ascii: "n"): "\n"
            case UInt8(ascii: "r"): "\r"
            case UInt8(ascii: "t"): "\t"
            case UInt8(ascii: "u"): nil
            default: throw unexpected("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
            }
        index += 1
        if let plain { return plain }
        var units = [try hexadecimalUnit()]
        if UTF16.isLeadSurrogate(units[0]) {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw unexpected("the second half of a surrogate pair")
            }
            units.append(try hexadecimalUnit())
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw unexpected("a whole surrogate pair before this")
        }
        return text
    }

    private mutating func hexadecimalUnit() throws(JSONSyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw unexpected("four hexadecimal digits")
            }
            unit = unit << 4 | UInt16(digit)
            index += 1
        }
        return unit
    }
}
