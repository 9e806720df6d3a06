/// Walks over a JSON text of any length without building it (RFC 8259).
///
/// A list may hold hundreds of thousands of files: what is not kept costs no memory, and a value
/// that must come back as it came is a range of the text.
struct JSONCursor {
    /// What stood where it should not.
    struct Failure: Error, Equatable {
        /// Bytes from the start.
        let offset: Int
        let expected: String
    }

    let bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func failure(_ expected: String) -> Failure {
        Failure(offset: offset, expected: expected)
    }

    /// Takes `byte` and the blanks around it, if it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard next == byte else { return false }
        offset += 1
        return true
    }

    mutating func expect(_ byte: UInt8, _ name: String) throws(Failure) {
        if !take(byte) { throw failure(name) }
    }

    mutating func expectEnd() throws(Failure) {
        skipBlanks()
        if offset < bytes.count { throw failure("the end") }
    }

    /// Calls `body` before each element, which has to take it.
    mutating func array(
        _ name: String, _ body: (inout JSONCursor) throws -> Void
    ) throws {
        try expect(UInt8(ascii: "["), name)
        if take(UInt8(ascii: "]")) { return }
        repeat { try body(&self) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"), "\",\" or \"]\"")
    }

    /// Calls `body` with each key, before its value, which it has to take.
    mutating func object(
        _ name: String, _ body: (inout JSONCursor, String) throws -> Void
    ) throws {
        try expect(UInt8(ascii: "{"), name)
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let key = try string("a key in quotes")
            try expect(UInt8(ascii: ":"), "\":\"")
            try body(&self, key)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"), "\",\" or \"}\"")
    }

    /// A null, if that is next.
    mutating func takeNull() throws(Failure) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: "n") else { return false }
        try skipWord("null")
        return true
    }

    /// A whole number that fits 64 bits.
    mutating func integer(_ name: String) throws(Failure) -> Int64 {
        skipBlanks()
        let start = offset
        guard next == UInt8(ascii: "-") || isDigit(next) else { throw failure(name) }
        try skipNumber()
        guard let integer = Int64(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
            throw Failure(offset: start, expected: name)
        }
        return integer
    }

    mutating func string(_ name: String) throws(Failure) -> String {
        skipBlanks()
        guard next == UInt8(ascii: "\"") else { throw failure(name) }
        let start = offset
        let isPlain = try skipString()
        let content = bytes[(start + 1)..<(offset - 1)]
        let text =
            isPlain
            ? String(validating: content, as: UTF8.self)
            : unescaped(content).flatMap { String(validating: $0, as: UTF8.self) }
        guard let text else { throw Failure(offset: start, expected: "text in UTF-8") }
        return text
    }

    /// Any value, as it stands there.
    mutating func raw(depthMax: Int) throws(Failure) -> String {
        skipBlanks()
        let start = offset
        try skipValue(depthMax: depthMax)
        guard let text = String(validating: bytes[start..<offset], as: UTF8.self) else {
            throw Failure(offset: start, expected: "text in UTF-8")
        }
        return text
    }

    mutating func skipValue(depthMax: Int) throws(Failure) {
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"):
            try skipContainer(closing: UInt8(ascii: "}"), depthMax: depthMax) {
                cursor throws(Failure) in
                cursor.skipBlanks()
                guard cursor.next == UInt8(ascii: "\"") else { throw cursor.failure("a key") }
                _ = try cursor.skipString()
                try cursor.expect(UInt8(ascii: ":"), "\":\"")
            }
        case UInt8(ascii: "["):
            try skipContainer(closing: UInt8(ascii: "]"), depthMax: depthMax) {
                _ throws(Failure) in
            }
        case UInt8(ascii: "\""): _ = try skipString()
        case UInt8(ascii: "t"): try skipWord("true")
        case UInt8(ascii: "f"): try skipWord("false")
        case UInt8(ascii: "n"): try skipWord("null")
        default: try skipNumber()
        }
    }

    private mutating func skipContainer(
        closing: UInt8, depthMax: Int, key: (inout JSONCursor) throws(Failure) -> Void
    ) throws(Failure) {
        guard depthMax > 0 else { throw failure("less nesting") }
        offset += 1
        if take(closing) { return }
        repeat {
            try key(&self)
            try skipValue(depthMax: depthMax - 1)
        } while take(UInt8(ascii: ","))
        try expect(closing, "\",\" or \"\(Unicode.Scalar(closing))\"")
    }

    // MARK: Tokens

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            offset += 1
        }
    }

    private mutating func skipWord(_ word: StaticString) throws(Failure) {
        let length = word.utf8CodeUnitCount
        let end = Swift.min(offset + length, bytes.count)
        guard bytes[offset..<end].elementsEqual(word.description.utf8) else {
            throw failure("\(word)")
        }
        offset = end
    }

    private func isDigit(_ byte: UInt8?) -> Bool {
        byte.map { $0 &- UInt8(ascii: "0") < 10 } ?? false
    }

    private mutating func skipDigits() throws(Failure) {
        guard isDigit(next) else { throw failure("a digit") }
        while isDigit(next) { offset += 1 }
    }

    private mutating func skipNumber() throws(Failure) {
        if next == UInt8(ascii: "-") { offset += 1 }
        guard isDigit(next) else { throw failure("a value") }
        if next == UInt8(ascii: "0") { offset += 1 } else { try skipDigits() }
        if next == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            offset += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            try skipDigits()
        }
    }

    /// - Returns: Whether it holds no escape.
    private mutating func skipString() throws(Failure) -> Bool {
        offset += 1
        var isPlain = true
        while let byte = next {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return isPlain
            case UInt8(ascii: "\\"):
                isPlain = false
                try skipEscape()
            case 0..<0x20:
                offset -= 1
                throw failure("no control character within a text")
            default: break
            }
        }
        throw failure("a closing quote")
    }

    private mutating func skipEscape() throws(Failure) {
        guard let byte = next, #""\/bfnrtu"#.utf8.contains(byte) else {
            throw failure("an escape of JSON")
        }
        offset += 1
        guard byte == UInt8(ascii: "u") else { return }
        for _ in 0..<4 {
            guard let digit = next, Self.value(ofDigit: digit) != nil else {
                throw failure("four hexadecimal digits")
            }
            offset += 1
        }
    }

    private static func value(ofDigit digit: UInt8) -> UInt16? {
        Character(Unicode.Scalar(digit)).hexDigitValue.map(UInt16.init)
    }

    /// The UTF-8 of a text whose escapes are well formed; nil for half a surrogate pair.
    private func unescaped(_ content: ArraySlice<UInt8>) -> [UInt8]? {
        var text: [UInt8] = []
        text.reserveCapacity(content.count)
        var index = content.startIndex
        while index < content.endIndex {
            if content[index] != UInt8(ascii: "\\") {
                text.append(content[index])
                index += 1
                continue
            }
            let escape = content[index + 1]
            index += 2
            guard escape == UInt8(ascii: "u") else {
                text.append(Self.plain(escape))
                continue
            }
            guard let scalar = Self.scalar(content, at: &index) else { return nil }
            text += String(scalar).utf8
        }
        return text
    }

    private static func plain(_ escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }

    /// The scalar of one `\u` escape, or of two that are a pair; `index` is behind the first `\u`.
    private static func scalar(_ content: ArraySlice<UInt8>, at index: inout Int) -> Unicode.Scalar?
    {
        func unit(at start: Int) -> UInt16 {
            content[start..<(start + 4)].reduce(0) { $0 << 4 | (value(ofDigit: $1) ?? 0) }
        }
        let first = unit(at: index)
        index += 4
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard content.endIndex - index >= 6, content[index] == UInt8(ascii: "\\"),
            content[index + 1] == UInt8(ascii: "u")
        else { return nil }
        let second = unit(at: index + 2)
        index += 6
        guard UTF16.isTrailSurrogate(second) else { return nil }
        return Unicode.Scalar(
            0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
    }
}
