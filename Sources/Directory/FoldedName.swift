/// The last component of a filename as it is searched: without case.
///
/// The folding is the catalog's, so that a directory and a peer give the same answer: upper case
/// first and lower case of that, which is close to Unicode's full case folding.
package struct FoldedName: Equatable, Sendable {
    package let string: String

    package init(ofFile filename: String) {
        let start = filename.utf8.lastIndex(of: UInt8(ascii: "/"))
        self.init(start.map { String(filename[filename.utf8.index(after: $0)...]) } ?? filename)
    }

    package init(_ text: String) {
        string =
            if text.utf8.allSatisfy({ $0 < 0x80 }) {
                text.lowercased()
            } else {
                text.uppercased().lowercased()
            }
    }
}
