/// What a request line asks for (RFC 9112 §3.2): a path, still percent-encoded, and parameters.
struct RequestTarget: Equatable {
    /// Percent-encoded, begins with a slash.
    let path: Substring
    /// Percent-encoded, without the question mark.
    private let query: Substring

    /// - Parameter text: In origin form, or in absolute form, whose scheme and authority are
    ///   passed over. Anything else gets the path `text` itself, which no resource has.
    init(_ text: String) {
        var rest = text[...]
        if rest.first != "/", let colon = rest.firstIndex(of: ":"),
            rest[colon...].hasPrefix("://")
        {
            let authority = rest[colon...].dropFirst(3)
            let slash = authority.firstIndex { $0 == "/" || $0 == "?" }
            rest = slash.map { authority[$0...] } ?? "/"
        }
        let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        path = rest[..<mark]
        query = rest[mark...].dropFirst()
    }

    /// The bytes of the first parameter of that name; nil when there is none.
    ///
    /// - Throws: ``PercentEncoding/Malformed``.
    func bytes(of name: String) throws(PercentEncoding.Malformed) -> [UInt8]? {
        // Over bytes: a directory takes a query of a megabyte.
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard pair[..<equals].elementsEqual(name.utf8) else { continue }
            return try PercentEncoding.decode(
                Substring(pair[equals...].dropFirst()), plusIsSpace: true)
        }
        return nil
    }

    /// The first parameter of that name; nil when there is none.
    ///
    /// - Throws: ``Problem`` 400 when it is not percent-encoded UTF-8.
    func parameter(_ name: String) throws(Problem) -> String? {
        do {
            guard let bytes = try bytes(of: name) else { return nil }
            if let text = String(validating: bytes, as: UTF8.self) { return text }
        } catch {
            // The same complaint as for bytes that are not UTF-8.
        }
        throw .badRequest("the parameter \"\(name)\" is not percent-encoded UTF-8")
    }

    /// - Throws: ``Problem`` 400 naming the parameter, for what is no number in `range`.
    func number(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = try parameter(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .badRequest(
                "the parameter \"\(name)\" must be a whole number in "
                    + "\(range.lowerBound)...\(range.upperBound)")
        }
        return number
    }

    /// - Returns: The text, empty when the parameter is not there.
    func text(_ name: String, bytesMax: Int) throws(Problem) -> String {
        let text = try parameter(name) ?? ""
        guard text.utf8.count <= bytesMax else {
            throw .badRequest("the parameter \"\(name)\" is longer than \(bytesMax) bytes")
        }
        return text
    }
}
