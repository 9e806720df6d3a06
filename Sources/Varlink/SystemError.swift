import Glibc

/// A system call that failed: which, and `errno`.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let call: String
    package let code: Int32

    /// - Parameter code: `errno`, read right after the call where it is left out.
    package init(_ call: String, code: Int32 = errno) {
        self.call = call
        self.code = code
    }

    /// As in "bind: Permission denied".
    package var description: String {
        "\(call): \(reason)"
    }

    /// The C library's words for the code.
    package var reason: String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }
}
