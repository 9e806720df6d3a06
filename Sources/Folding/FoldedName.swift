/// A name as it is compared: without case.
///
/// Upper case first and lower case of that, which is close to Unicode's full case folding:
/// `STRASSE` finds `Straße`, and both lower-case sigmas are one. Catalog and directory fold alike, so
/// that a peer and a directory give the same answer.
package struct FoldedName: Equatable, Sendable {
    package let string: String

    package init(_ text: String) {
        string =
            if text.utf8.allSatisfy({ $0 < 0x80 }) {
                text.lowercased()
            } else {
                text.uppercased().lowercased()
            }
    }

    /// The last component of a path, which is what is searched.
    package init(ofFile filename: String) {
        let start = filename.utf8.lastIndex(of: UInt8(ascii: "/"))
        self.init(start.map { String(filename[filename.utf8.index(after: $0)...]) } ?? filename)
    }

    /// Whether `part` is in it.
    ///
    /// - Parameter part: UTF-8, folded.
    package func contains(_ part: [UInt8]) -> Bool {
        Self.firstIndex(of: part, in: string.utf8Span.span) != nil
    }

    /// Where `part` begins first in `text`, at `start` or later; nil for an empty one.
    ///
    /// Not generic: searches look through some 200 KB, and what is generic is slow across modules.
    package static func firstIndex(
        of part: [UInt8], in text: Span<UInt8>, from start: Int = 0
    ) -> Int? {
        guard let first = part.first, text.count - start >= part.count else { return nil }
        for index in start...(text.count - part.count) where text[index] == first {
            var length = 1
            while length < part.count, text[index + length] == part[length] { length += 1 }
            if length == part.count { return index }
        }
        return nil
    }
}
