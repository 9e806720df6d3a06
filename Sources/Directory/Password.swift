/// A password as a client sent it; goes into no log.
package struct Password: Sendable {
    let bytes: [UInt8]

    /// nil when it is empty or longer than ``DirectoryLimits/passwordBytesMax``.
    package init?(_ string: String) {
        bytes = Array(string.utf8)
        guard (1...DirectoryLimits.passwordBytesMax).contains(bytes.count) else { return nil }
    }
}

extension Password: CustomStringConvertible, CustomReflectable {
    package var description: String { "(a password)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
