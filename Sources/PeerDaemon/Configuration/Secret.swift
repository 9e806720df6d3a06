/// Text that no log, output or error may show; only ``value`` gives it away.
package struct Secret: Equatable, Sendable {
    /// What stands in its place wherever it would be seen.
    static let mask = "***"

    /// Source: the directory's own limit of a password, in bytes.
    static let bytesMax = 1024

    /// For the one place that needs it.
    package let value: String

    package init(_ value: String) {
        self.value = value
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: [] as [Mirror.Child]) }
}
