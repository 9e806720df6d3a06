/// One of the five storage classes of SQLite, as bound to a parameter.
package enum Value: Equatable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    package init(_ integer: Int64?) {
        self = integer.map(Value.integer) ?? .null
    }

    package init(_ text: String?) {
        self = text.map(Value.text) ?? .null
    }

    package init(_ blob: [UInt8]?) {
        self = blob.map(Value.blob) ?? .null
    }
}

extension Value: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral,
    ExpressibleByFloatLiteral
{
    package init(integerLiteral value: Int64) {
        self = .integer(value)
    }

    package init(stringLiteral value: String) {
        self = .text(value)
    }

    package init(floatLiteral value: Double) {
        self = .real(value)
    }

    package init(nilLiteral: ()) {
        self = .null
    }
}
