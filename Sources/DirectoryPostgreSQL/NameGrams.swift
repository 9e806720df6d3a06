import Directory
import Folding

/// What a name's array in the GIN index holds: its grams, each together with the window of ids that
/// the name is in, so that any window can be searched for any part of a name by itself.
///
/// A gram is three bytes of the folded name's UTF-8, `0x03000000 + BYTES`. Two NULs at the end let
/// every two bytes begin one. Of single bytes only those are there, as `0x01000000 + BYTE`, that few
/// names have.
enum NameGrams {
    /// So many grams are looked up at most; the name itself decides in the end. (as in GramText)
    private static let gramsMax = 3
    /// In so many names that reading those finds them sooner than any index.
    private static let ordinary = Set("abcdefghijklmnopqrstuvwxyz0123456789 ._-".utf8)

    /// Of a name, as PostgreSQL reads an array of `integer`.
    static func literal(of name: FoldedName) -> String {
        let bytes = Array(name.string.utf8)
        var text = Array("{".utf8)
        for byte in Set(bytes) where isIndexed(byte) { append(single(byte), to: &text) }
        let padded = bytes + [0, 0]
        for start in bytes.indices { append(gram(padded[start..<(start + 3)]), to: &text) }
        // A file's name is not empty, and neither is this.
        text[text.endIndex - 1] = UInt8(ascii: "}")
        return String(decoding: text, as: UTF8.self)
    }

    /// What the index is asked for.
    enum Query: Equatable {
        /// Names that contain the part, and few others, have all of these.
        case all([Int32])
        /// ... one of these.
        case any([Int32])
        /// The index does not know the part.
        case none
    }

    /// - Parameter part: Not empty, folded.
    static func query(for part: [UInt8], _ sample: NameSample) -> Query {
        switch part.count {
        case 1: return isIndexed(part[0]) ? .all([single(part[0])]) : .none
        case 2: return .any((UInt8.min...UInt8.max).filter(canFollow).map { gram(part + [$0]) })
        default:
            let grams = (0...(part.count - 3)).map { part[$0..<($0 + 3)] }
                .sorted { sample.count(ofGram: $0) < sample.count(ofGram: $1) }
            var rarest: [Int32] = []
            for gram in grams.map(gram) where rarest.count < gramsMax && !rarest.contains(gram) {
                rarest.append(gram)
            }
            return .all(rarest)
        }
    }

    /// Upper-case letters are folded, and some bytes are in no UTF-8.
    private static func canFollow(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), 0xC0, 0xC1, 0xF5...: false
        default: true
        }
    }

    /// No part of a name is a single byte of a longer character.
    private static func isIndexed(_ byte: UInt8) -> Bool { byte < 0x80 && !ordinary.contains(byte) }

    private static func gram(_ bytes: some Sequence<UInt8>) -> Int32 {
        bytes.reduce(3) { $0 << 8 | Int32($1) }
    }

    private static func single(_ byte: UInt8) -> Int32 {
        1 << 24 | Int32(byte)
    }

    /// In decimal, and a comma. By hand: this runs for each byte of a long list's names.
    private static func append(_ number: Int32, to text: inout [UInt8]) {
        var digits: (UInt64, Int) = (0, 0)
        var rest = number
        repeat {
            digits = (digits.0 << 8 | UInt64(UInt8(ascii: "0") + UInt8(rest % 10)), digits.1 + 1)
            rest /= 10
        } while rest > 0
        for place in 0..<digits.1 {
            text.append(UInt8(truncatingIfNeeded: digits.0 >> (8 * place)))
        }
        text.append(UInt8(ascii: ","))
    }
}
