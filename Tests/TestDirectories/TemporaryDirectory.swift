import FoundationEssentials
import Glibc

/// A directory for one test, which goes with everything in it when the last reference does.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// What the C library said of `call`.
    package struct Failure: Error {
        package let call: String
        package let code = errno
    }

    package init() throws {
        var template = Array("/tmp/p2p-peer-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(call: "mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            assertionFailure("\(path) was left behind: \(error)")
        }
    }

    package func write(_ text: String, to name: String) throws {
        guard let file = fopen("\(path)/\(name)", "w") else { throw Failure(call: "fopen \(name)") }
        fputs(text, file)
        guard fclose(file) == 0 else { throw Failure(call: "fclose \(name)") }
    }

    /// Its first 4096 bytes.
    package func text(of name: String) throws -> String {
        guard let file = fopen("\(path)/\(name)", "r") else { throw Failure(call: "fopen \(name)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    package func makeDirectory(_ name: String) throws {
        guard mkdir("\(path)/\(name)", 0o755) == 0 else { throw Failure(call: "mkdir \(name)") }
    }

    package func makeLink(_ name: String, to target: String) throws {
        guard symlink(target, "\(path)/\(name)") == 0 else {
            throw Failure(call: "symlink \(name)")
        }
    }

    package func exists(_ name: String) -> Bool {
        access("\(path)/\(name)", F_OK) == 0
    }
}
