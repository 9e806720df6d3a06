/// A JSON value that knows where it stood, so that a fault can name its line.
///
/// Source: RFC 8259. Integers that fit `Int64` stay exact.
indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// In the document's order, without duplicates.
    case object([Member])

    struct Member: Equatable, Sendable {
        let key: String
        let position: TextPosition
        let value: JSONValue
    }
}

/// A place in a text file; both count from 1, columns in bytes.
struct TextPosition: Equatable, Sendable {
    var line = 1
    var column = 1
}

/// Why a text is not a JSON document.
struct JSONSyntaxError: Error, Equatable {
    let position: TextPosition
    /// What stood there, for people.
    let found: String
    let expected: String
}
