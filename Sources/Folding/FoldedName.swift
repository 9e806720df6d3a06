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
        var copy = string
        return copy.withUTF8 { $0.firstRange(ofBytes: part) != nil }
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// Where `part` begins and ends first; nil for an empty one.
    package func firstRange(ofBytes part: [UInt8]) -> Range<Int>? {
        guard let first = part.first, count >= part.count else { return nil }
        for start in startIndex...(endIndex - part.count) where self[start] == first {
            let range = start..<(start + part.count)
            if self[range].elementsEqual(part) { return range }
        }
        return nil
    }
}
