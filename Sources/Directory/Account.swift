/// Who may log in. A peer of the directory is an account that is logged in.
package struct Account: Equatable, Sendable {
    /// 1...``DirectoryLimits/accountNameBytesMax`` bytes; compared byte by byte.
    package let name: String
    package var passwordHash: PasswordHash
    /// Can not log in, and has no lease.
    package var isDisabled: Bool

    package init(name: String, passwordHash: PasswordHash, isDisabled: Bool = false) {
        self.name = name
        self.passwordHash = passwordHash
        self.isDisabled = isDisabled
    }
}

/// A password as it is stored: algorithm, parameters, salt and hash in one line,
/// `$argon2id$v=19$m=19456,t=2,p=1$...`.
package struct PasswordHash: Hashable, Sendable {
    package let string: String

    package init(_ string: String) {
        self.string = string
    }
}

/// Not for a log.
extension PasswordHash: CustomStringConvertible {
    package var description: String { "(a password's hash)" }
}
