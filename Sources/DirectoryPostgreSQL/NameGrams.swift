import Directory

/// What a name's array in the GIN index holds, as 32-bit integers, so that any part of the name
/// finds it, and any range of ids can be searched by itself.
///
/// - Grams: three bytes of the folded name's UTF-8, `0x03000000 + BYTES`. Two NULs at the end let
///   every two bytes begin one.
/// - Single bytes, each once: `0x01000000 + BYTE`.
/// - The windows of ids that the name is in, one of each level: negative, see ``IDWindow``.
enum NameGrams {
    /// So many grams are looked up at most; the name itself decides in the end.
    private static let gramsMax = 12

    /// Of a name, without windows, as PostgreSQL reads an array.
    static func literal(of name: FoldedName) -> String {
        let bytes = Array(name.string.utf8)
        var text = "{"
        for byte in Set(bytes).sorted() { text += "\(single(byte))," }
        let padded = bytes + [0, 0]
        for start in bytes.indices { text += "\(gram(padded[start..<(start + 3)]))," }
        // A file's name is not empty, and neither is this.
        text.removeLast()
        return text + "}"
    }

    /// All names that contain `part`, and few others, have all of `all`, and one of `any` unless
    /// that is empty.
    ///
    /// - Parameter part: Not empty, folded.
    static func query(for part: [UInt8]) -> (all: [Int32], any: [Int32]) {
        switch part.count {
        case 1: return ([single(part[0])], [])
        case 2: return ([], (UInt8.min...UInt8.max).filter(canFollow).map { gram(part + [$0]) })
        default:
            let last = part.count - 3
            let step = max(1, (last + gramsMax) / gramsMax)
            let starts = stride(from: 0, through: last, by: step)
            return (Set(starts.map { gram(part[$0..<($0 + 3)]) }).sorted(), [])
        }
    }

    /// Upper-case letters are folded, and some bytes are in no UTF-8.
    private static func canFollow(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), 0xC0, 0xC1, 0xF5...: false
        default: true
        }
    }

    private static func gram(_ bytes: some Sequence<UInt8>) -> Int32 {
        bytes.reduce(3) { $0 << 8 | Int32($1) }
    }

    private static func single(_ byte: UInt8) -> Int32 {
        1 << 24 | Int32(byte)
    }
}

/// A range of name ids that the index can be asked for: 2,048 of level 0, eight times as many of
/// each level above.
///
/// A GIN index answers no ranges and not in parts: whatever matches is collected before the first
/// comes out. So each name has the numbers of its windows among its grams, and a search asks for
/// one window after the other.
struct IDWindow {
    static let levels = 5

    let level: Int
    private let number: Int64

    /// - Parameter level: 0..<``levels``.
    init(level: Int, containing id: Int64) {
        self.level = level
        number = id >> Self.shift(level)
    }

    private static func shift(_ level: Int) -> Int64 { Int64(11 + 3 * level) }

    /// The first id behind it.
    var end: Int64 { (number + 1) << Self.shift(level) }

    /// The element that all names of the window have. Level 0 holds 2^39 names.
    var element: Int32 { Int32(truncatingIfNeeded: -1 - (Int64(level) << 28 | number)) }

    /// The elements of a name, as SQL of its `id`.
    static let elementsSQL =
        "ARRAY["
        + (0..<levels).map { "-1 - (\($0 << 28)::bigint | (id >> \(shift($0))))" }
        .joined(separator: ", ") + "]::integer[]"
}
