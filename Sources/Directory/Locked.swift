import Synchronization

/// A value behind a lock that async functions may take on both sides of an `await`.
///
/// A bare `Mutex` they must not (Swift 6.3, Linux, optimized): its code is inlined into theirs,
/// and keeps the number of the thread that they began on in a thread-local variable, whose value
/// the optimizer carries over the `await` to another thread. Under contention that is "Call to
/// unlock Mutex on a thread which hasn't acquired the lock". What is not inlined can not carry it.
package final class Locked<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    package init(_ value: Value) {
        mutex = Mutex(value)
    }

    @inline(never)
    package func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        mutex.withLock { body(&$0) }
    }
}
