/// The place of a file beneath a shared directory: `reports/2026-q3.parquet`.
///
/// A value of this type cannot name anything above or beside its root by itself. That no
/// symbolic link on the way leads out is for the kernel to see (``RootedDirectory``).
package struct RelativePath: Hashable, Sendable {
    /// What makes a string no path of a shared file.
    package enum Fault: Error, Equatable, Sendable {
        case empty
        case absolute
        /// Two slashes in a row, or one at the end.
        case emptyComponent
        /// `.` or `..`.
        case dotComponent
        case containsNUL
        case notUTF8
        /// More than ``RelativePath/componentBytesMax`` bytes between two slashes.
        case componentTooLong
        /// More than ``RelativePath/bytesMax`` bytes.
        case tooLong
    }

    /// NAME_MAX of every file system that Linux serves.
    package static let componentBytesMax = 255
    /// PATH_MAX.
    package static let bytesMax = 4096

    /// Components joined by `/`.
    package let string: String

    package init(_ string: String) throws(Fault) {
        try self.init(string: string, bytes: Array(string.utf8))
    }

    /// - Parameter bytes: As they came from the network or from a directory, perhaps not UTF-8.
    package init(bytes: [UInt8]) throws(Fault) {
        guard let string = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        try self.init(string: string, bytes: bytes)
    }

    private init(string: String, bytes: [UInt8]) throws(Fault) {
        if bytes.isEmpty { throw .empty }
        if bytes.count > Self.bytesMax { throw .tooLong }
        if bytes.contains(0) { throw .containsNUL }
        if bytes[0] == UInt8(ascii: "/") { throw .absolute }
        for component in bytes.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            try Self.check(component)
        }
        self.string = string
    }

    private static func check(_ component: ArraySlice<UInt8>) throws(Fault) {
        if component.isEmpty { throw .emptyComponent }
        if component.count > componentBytesMax { throw .componentTooLong }
        let dot = UInt8(ascii: ".")
        if component.count <= 2, component.allSatisfy({ $0 == dot }) { throw .dotComponent }
    }

    private init(checked string: String) {
        self.string = string
    }

    /// The last component.
    package var name: String {
        guard let slash = string.utf8.lastIndex(of: UInt8(ascii: "/")) else { return string }
        return String(string[string.utf8.index(after: slash)...])
    }

    /// All but the last component; nil directly under the root.
    package var parent: RelativePath? {
        guard let slash = string.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return RelativePath(checked: String(string[..<slash]))
    }

    package var components: [String] {
        string.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }

    /// The path of an entry of this directory.
    package func appending(_ component: String) throws(Fault) -> RelativePath {
        try RelativePath("\(string)/\(component)")
    }
}

extension RelativePath: Comparable {
    /// By bytes, the order of SQLite's BINARY collation and of `LC_ALL=C sort`.
    package static func < (left: RelativePath, right: RelativePath) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }

    /// By bytes: `String` holds canonically equivalent names for equal, a file system does not.
    package static func == (left: RelativePath, right: RelativePath) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension RelativePath: CustomStringConvertible {
    package var description: String { string }
}

extension RelativePath.Fault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the path is empty"
        case .absolute: "the path is absolute"
        case .emptyComponent: "the path has an empty component"
        case .dotComponent: "the path has a component \".\" or \"..\""
        case .containsNUL: "the path contains a NUL"
        case .notUTF8: "the path is not UTF-8"
        case .componentTooLong:
            "a name in the path is longer than \(RelativePath.componentBytesMax) bytes"
        case .tooLong: "the path is longer than \(RelativePath.bytesMax) bytes"
        }
    }
}
