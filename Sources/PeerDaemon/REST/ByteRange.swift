/// What the field `Range` makes of a representation (RFC 9110 §14.1.2, §14.2).
enum ByteRange: Equatable {
    /// No range, one that is malformed, or more than one: all of it.
    case whole
    /// Never empty.
    case part(Range<Int64>)
    case unsatisfiable

    /// - Parameters:
    ///   - field: `bytes=0-499`, `bytes=500-`, `bytes=-500`.
    ///   - size: Bytes of the representation.
    init(field: String?, size: Int64) {
        self = field.flatMap { Self.parse($0, size) } ?? .whole
    }

    private static func parse(_ field: String, _ size: Int64) -> ByteRange? {
        let halves = field.split(separator: "=", maxSplits: 1)
        guard halves.count == 2, halves[0].lowercased() == "bytes" else { return nil }
        let spec = halves[1].drop { $0 == " " || $0 == "\t" }
        let ends = spec.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            guard let count = number(ends[1]) else { return nil }
            if count == 0 { return .unsatisfiable }
            // Of an empty file a suffix is the whole of it, which no Content-Range can say.
            return size == 0 ? .whole : .part(max(0, size - count)..<size)
        }
        guard let first = number(ends[0]) else { return nil }
        let last = ends[1].isEmpty ? .max : number(ends[1])
        guard let last, first <= last else { return nil }
        return first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
    }

    /// Digits only; what is too large for the type is larger than any file.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text) ?? .max
    }
}
