/// A parameter of a statement, sent in PostgreSQL's binary form.
///
/// Statements have to leave no doubt of the types: PostgreSQL takes a parameter's from where it
/// stands, and does not convert. `integer` stands for a `bigint`.
package enum Value: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Without NUL, which PostgreSQL's texts can not hold.
    case text(String)
    case bytes([UInt8])
    /// `bigint[]`
    case integers([Int64?])
    /// `integer[]`
    case smallIntegers([Int32])
    /// `text[]`
    case texts([String?])
    /// `bytea[]`
    case byteStrings([[UInt8]?])

    package init(_ integer: Int64?) {
        self = integer.map(Value.integer) ?? .null
    }

    package init(_ text: String?) {
        self = text.map(Value.text) ?? .null
    }

    package init(_ bytes: [UInt8]?) {
        self = bytes.map(Value.bytes) ?? .null
    }
}

extension Value: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    package init(integerLiteral value: Int64) {
        self = .integer(value)
    }

    package init(stringLiteral value: String) {
        self = .text(value)
    }

    package init(nilLiteral: ()) {
        self = .null
    }
}

extension Value {
    /// OIDs of the elements of arrays: src/include/catalog/pg_type.dat.
    private enum ElementType {
        static let bytea: Int32 = 17
        static let int8: Int32 = 20
        static let int4: Int32 = 23
        static let text: Int32 = 25
    }

    /// Appends the binary form to `bytes`.
    ///
    /// - Returns: How many bytes those are; -1 for NULL.
    func encode(into bytes: inout [UInt8]) -> Int32 {
        let start = bytes.count
        switch self {
        case .null: return -1
        case .boolean(let boolean): bytes.append(boolean ? 1 : 0)
        case .integer(let integer): bytes.append(bigEndian: integer)
        case .text(let text): bytes += text.utf8
        case .bytes(let string): bytes += string
        case .integers(let integers):
            Self.encode(integers, type: ElementType.int8, into: &bytes) {
                $0.append(bigEndian: $1)
            }
        case .smallIntegers(let integers):
            Self.encode(integers, type: ElementType.int4, into: &bytes) {
                $0.append(bigEndian: $1)
            }
        case .texts(let texts):
            Self.encode(texts, type: ElementType.text, into: &bytes) { $0 += $1.utf8 }
        case .byteStrings(let strings):
            Self.encode(strings, type: ElementType.bytea, into: &bytes) { $0 += $1 }
        }
        return Int32(bytes.count - start)
    }

    /// As `array_recv` of src/backend/utils/adt/arrayfuncs.c reads it: dimensions, whether there
    /// are NULLs, the type, size and first index of the one dimension, then each with its length.
    private static func encode<Element>(
        _ elements: [Element?], type: Int32, into bytes: inout [UInt8],
        _ encodeElement: (inout [UInt8], Element) -> Void
    ) {
        bytes.append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(elements.contains { $0 == nil } ? 1 : 0))
        bytes.append(bigEndian: type)
        if elements.isEmpty { return }
        bytes.append(bigEndian: Int32(elements.count))
        bytes.append(bigEndian: Int32(1))
        for element in elements {
            let place = bytes.count
            bytes.append(bigEndian: Int32(-1))
            guard let element else { continue }
            encodeElement(&bytes, element)
            let length = UInt32(bytes.count - place - 4)
            for index in 0..<4 {
                bytes[place + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian integer: some FixedWidthInteger) {
        for shift in stride(from: integer.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: integer >> shift))
        }
    }
}
