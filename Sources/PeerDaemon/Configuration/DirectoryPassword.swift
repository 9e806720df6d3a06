import Systemd

/// Reads the password of the account at a directory.
enum DirectoryPassword {
    /// The credential that holds it (systemd.exec(5), "Credentials").
    static let credential = "directory-password"

    static let expected = "a file with a password, 1-\(Secret.bytesMax) bytes in one line"

    enum Fault: Error, CustomStringConvertible {
        case unreadable(String)
        case noPassword

        var description: String {
            switch self {
            case .unreadable(let reason): reason
            // Not a piece of it: it may be nearly the password.
            case .noPassword: "something else"
            }
        }
    }

    static func read(file: String) throws(Fault) -> Secret {
        let bytes: [UInt8]
        do {
            // One more than the password: its line may be ended.
            bytes = try SmallFile.read(file, bytesMax: Secret.bytesMax + 1)
        } catch {
            switch error {
            case .system(let error): throw .unreadable("\(error)".lowercased())
            case .notRegularFile, .oversized: throw .noPassword
            }
        }
        return try secret(bytes)
    }

    /// - Returns: nil where there is no such credential.
    static func read(_ credentials: Credentials) throws(Fault) -> Secret? {
        let bytes: [UInt8]?
        do {
            bytes = try credentials.read(credential, bytesMax: Secret.bytesMax + 1)
        } catch {
            switch error {
            case .unreadable(_, let errno):
                throw .unreadable("\(SystemError(errno: errno))".lowercased())
            case .invalidName, .notRegularFile, .oversized: throw .noPassword
            }
        }
        guard let bytes else { return nil }
        return try secret(bytes)
    }

    private static func secret(_ bytes: [UInt8]) throws(Fault) -> Secret {
        let line = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
        guard (1...Secret.bytesMax).contains(line.count), line.allSatisfy({ $0 >= 0x20 }),
            let text = String(validating: line, as: UTF8.self)
        else { throw .noPassword }
        return Secret(text)
    }
}
