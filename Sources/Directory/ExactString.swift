/// A text compared byte by byte.
///
/// Swift takes `é` in one scalar and in two for one text; a file system, SQLite and a client
/// take them for two names.
package struct ExactString: Hashable, Comparable, Sendable {
    package let string: String

    package init(_ string: String) {
        self.string = string
    }

    package static func == (one: ExactString, other: ExactString) -> Bool {
        one.string.utf8.elementsEqual(other.string.utf8)
    }

    package static func < (one: ExactString, other: ExactString) -> Bool {
        one.string.utf8.lexicographicallyPrecedes(other.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
