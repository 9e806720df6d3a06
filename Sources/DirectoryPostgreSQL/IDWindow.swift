/// 65,536 ids of names that lie together.
///
/// A GIN index answers no ranges and not in parts: whatever matches is collected before the first
/// comes out. So each gram of a name is in the index together with the number of its window, and a
/// search asks for one window after the other. Smaller ones would make rare names dear, of which
/// each window is asked; larger ones frequent names, which are all read.
enum IDWindow {
    private static let bits = 16
    /// Of a gram, see ``NameGrams``.
    private static let gramBits = 26

    static func number(of id: Int64) -> Int64 { id >> Int64(bits) }

    /// The first id of a window.
    static func start(of number: Int64) -> Int64 { number << Int64(bits) }

    /// The element of a gram in a window; both are SQL.
    static func elementSQL(gram: String, window: String) -> String {
        "((\(window) << \(gramBits)) | \(gram))"
    }

    /// The elements of a name, as SQL of its `id` and its `grams`.
    static let elementsSQL =
        "ARRAY(SELECT \(elementSQL(gram: "gram", window: "(id >> \(bits))")) FROM unnest(grams) AS gram)"
}
