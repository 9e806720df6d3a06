import NIOConcurrencyHelpers

/// `Locked` as ThreadSanitizer needs it (Tests/sanitize): `Mutex` is a futex that the sanitizer does not see, so
/// that each access under it looks like a race. This is a pthread mutex, which it does.
package struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private final class Box {
        let lock = NIOLock()
        var value: Value

        init(_ value: consuming Value) {
            self.value = value
        }
    }

    // Sendable: the value is only reached under the box's lock.
    private let box: Box

    package init(_ value: consuming sending Value) {
        box = Box(value)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        box.lock.lock()
        defer { box.lock.unlock() }
        return try body(&box.value)
    }
}
