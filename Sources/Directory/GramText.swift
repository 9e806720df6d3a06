import Folding

/// The grams of a name as words that FTS5 can index and find.
///
/// A gram is three bytes of the folded name's UTF-8, written in hexadecimal. Two bytes of
/// padding at the end let every gram of one or two bytes begin one of three. That is what FTS5's
/// own trigram tokenizer can not do, which has nothing for a query of fewer than three
/// characters; and a character of three bytes, such as a Chinese one, is a gram by itself.
enum GramText {
    /// No name that a person types holds it; one that does is found all the same.
    private static let padding: [UInt8] = [1, 1]
    /// So many grams are looked up at most; the name itself decides in the end. (measured: 7
    /// million names)
    private static let gramsMax = 3

    /// The words of a name.
    static func words(of name: FoldedName) -> String {
        let bytes = Array(name.string.utf8) + padding
        var text: [UInt8] = []
        text.reserveCapacity(7 * bytes.count)
        for start in 0..<(bytes.count - 2) {
            append(bytes[start..<(start + 3)], to: &text)
            text.append(0x20)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The full-text query that every name containing `part` answers, and few others; nil for
    /// one byte, which is in so many names that walking them is quicker.
    ///
    /// - Parameter part: Not empty.
    static func query(for part: FoldedName, _ sample: NameSample) -> String? {
        let bytes = Array(part.string.utf8)
        if bytes.count == 1 { return nil }
        if bytes.count == 2 {
            return (UInt8.min...UInt8.max).filter(canFollow).map { quoted(bytes + [$0]) }
                .joined(separator: " OR ")
        }
        let grams = (0...(bytes.count - 3)).map { bytes[$0..<($0 + 3)] }
            .sorted { sample.count(ofGram: $0) < sample.count(ofGram: $1) }
        var words: [String] = []
        for gram in grams where words.count < gramsMax {
            let word = quoted(Array(gram))
            if !words.contains(word) { words.append(word) }
        }
        return words.joined(separator: " AND ")
    }

    /// Upper-case letters are folded, NUL is refused, and some bytes are in no UTF-8. FTS5 takes
    /// no more than 256 words.
    private static func canFollow(_ byte: UInt8) -> Bool {
        switch byte {
        case 0, UInt8(ascii: "A")...UInt8(ascii: "Z"), 0xC0, 0xC1, 0xF5...: false
        default: true
        }
    }

    private static func quoted(_ gram: [UInt8]) -> String {
        var text: [UInt8] = [UInt8(ascii: "\"")]
        append(gram[...], to: &text)
        text.append(UInt8(ascii: "\""))
        return String(decoding: text, as: UTF8.self)
    }

    private static func append(_ gram: ArraySlice<UInt8>, to text: inout [UInt8]) {
        for byte in gram {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
