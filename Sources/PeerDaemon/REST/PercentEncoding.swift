/// Percent-encoding (RFC 3986 §2.1), over bytes.
enum PercentEncoding {
    /// Not `%` and two hex digits.
    struct Malformed: Error, Equatable {}

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Decodes once; what comes out is not looked at again.
    ///
    /// - Parameter plusIsSpace: As in the queries that HTML forms and Python's clients write.
    /// - Returns: Bytes, perhaps not UTF-8.
    static func decode(
        _ text: some StringProtocol, plusIsSpace: Bool = false
    ) throws(Malformed) -> [UInt8] {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(value),
                    let low = iterator.next().flatMap(value)
                else { throw Malformed() }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// Encodes all but unreserved characters (RFC 3986 §2.3) and the slashes between components.
    static func encode(path: String) -> String {
        encode(path.utf8, keepsSlashes: true)
    }

    /// Encodes all but unreserved characters: a value in a query.
    static func encode(value: some Sequence<UInt8>) -> String {
        encode(value, keepsSlashes: false)
    }

    private static func encode(_ text: some Sequence<UInt8>, keepsSlashes: Bool) -> String {
        var bytes: [UInt8] = []
        for byte in text {
            if isUnreserved(byte) || (keepsSlashes && byte == UInt8(ascii: "/")) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
