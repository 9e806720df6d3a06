import Synchronization

/// A value behind a lock, for every function, also an async one that takes it on both sides of an
/// `await`.
///
/// A bare `Mutex` such a function must not take (Swift 6.3, Linux, optimized). Its code is inlined
/// into the caller's, and asks a thread-local variable for the number of the thread; the optimizer
/// carries that variable's address over the `await`, to another thread. Under contention the process
/// ends with "Call to unlock Mutex on a thread which hasn't acquired the lock". What is never inlined
/// cannot carry it. See docs/decisions/0029-locked.md.
package struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline
    let mutex: Mutex<Value>

    @inlinable
    package init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    /// Specialized for its caller, but never a part of it.
    @inlinable
    @inline(never)
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock(body)
    }
}
