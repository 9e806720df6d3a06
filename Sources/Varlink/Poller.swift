import CLinux
import Glibc
import Locking

/// Waits for descriptors on behalf of tasks: one thread in poll(2), any number of suspended tasks.
///
/// A descriptor may be waited for by several tasks, and must stay open while any does.
final class Poller: Sendable {
    enum Outcome: Equatable {
        /// The bits of poll(2), which may tell of an error or a hang-up that was not asked for.
        case ready(Int16)
        case timedOut
        case cancelled
        /// ``drain()`` was called, and the wait was one that ends then.
        case draining
    }

    private struct Waiter {
        let descriptor: Int32
        let events: Int16
        let deadline: ContinuousClock.Instant?
        let endsOnDrain: Bool
        let continuation: CheckedContinuation<Outcome, Never>
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var nextID: UInt64 = 0
        var isDraining = false
        var isStopped = false
    }

    private let state = Locked(State())
    /// Readable when the thread must look at `state` again.
    private let wakeup: OwnedDescriptor

    /// Starts the thread, which keeps the poller alive until ``stop()``.
    init() throws(SystemError) {
        let counter = clinux_event_counter()
        guard counter >= 0 else { throw SystemError("eventfd") }
        wakeup = OwnedDescriptor(owning: counter)
        try startThread()
    }

    /// Waits until `descriptor` is ready for `events` (0: hang-ups and errors only; a descriptor
    /// of -1: nothing), the deadline passes, or the task is cancelled.
    func wait(
        for events: Int16,
        on descriptor: Int32,
        until deadline: ContinuousClock.Instant? = nil,
        endsOnDrain: Bool = false
    ) async -> Outcome {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                register(
                    Waiter(
                        descriptor: descriptor, events: events, deadline: deadline,
                        endsOnDrain: endsOnDrain, continuation: continuation),
                    as: id)
            }
        } onCancel: {
            finish(.cancelled) { candidate, _ in candidate == id }
            // A socket that is closed while the thread polls it stays open for its other end.
            wake()
        }
    }

    /// Ends the waits that end then, now and from now on.
    func drain() {
        state.withLock { $0.isDraining = true }
        finish(.draining) { $1.endsOnDrain }
        wake()
    }

    /// Ends the thread and every wait, as cancelled.
    func stop() {
        state.withLock { $0.isStopped = true }
        finish(.cancelled) { _, _ in true }
        wake()
    }

    private func register(_ waiter: Waiter, as id: UInt64) {
        let refusal: Outcome? = state.withLock { state in
            // The flag is set before onCancel runs: seen here, or found there under the lock.
            if Task.isCancelled || state.isStopped { return .cancelled }
            if waiter.endsOnDrain && state.isDraining { return .draining }
            state.waiters[id] = waiter
            return nil
        }
        if let refusal {
            waiter.continuation.resume(returning: refusal)
        } else {
            wake()
        }
    }

    private func finish(_ outcome: Outcome, where matches: (UInt64, Waiter) -> Bool) {
        let finished = state.withLock { state in
            let finished = state.waiters.filter { matches($0.key, $0.value) }
            for id in finished.keys {
                state.waiters[id] = nil
            }
            return finished
        }
        for waiter in finished.values {
            waiter.continuation.resume(returning: outcome)
        }
    }

    private func wake() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the thread wakes anyway.
        _ = Glibc.write(wakeup.rawValue, &one, MemoryLayout<UInt64>.size)
    }
}

// MARK: - The thread

extension Poller {
    private func startThread() throws(SystemError) {
        let context = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Poller>.fromOpaque(context).takeRetainedValue().pollUntilStopped()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemError("pthread_create", code: code)
        }
        pthread_detach(thread)
    }

    private func pollUntilStopped() {
        while let waiters = state.withLock({ $0.isStopped ? nil : $0.waiters }) {
            let ids = Array(waiters.keys)
            var entries = [pollfd(fd: wakeup.rawValue, events: Int16(POLLIN), revents: 0)]
            for id in ids {
                guard let waiter = waiters[id] else { continue }
                entries.append(pollfd(fd: waiter.descriptor, events: waiter.events, revents: 0))
            }
            let earliest = waiters.values.compactMap(\.deadline).min()
            // EINTR and ENOMEM report nothing ready, and the loop tries again.
            let ready = poll(&entries, nfds_t(entries.count), Self.milliseconds(until: earliest))
            if ready > 0 {
                report(entries, ids: ids)
            }
            let now = ContinuousClock.now
            finish(.timedOut) { $1.deadline.map { $0 <= now } ?? false }
        }
    }

    private func report(_ entries: [pollfd], ids: [UInt64]) {
        if entries[0].revents != 0 {
            var count: UInt64 = 0
            _ = Glibc.read(wakeup.rawValue, &count, MemoryLayout<UInt64>.size)
        }
        for (id, entry) in zip(ids, entries.dropFirst()) where entry.revents != 0 {
            finish(.ready(entry.revents)) { candidate, _ in candidate == id }
        }
    }

    /// Rounded up, so that the deadline has passed when poll(2) times out.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = ContinuousClock.now.duration(to: deadline)
        return Int32(min(max((left / .milliseconds(1)).rounded(.up), 0), 3_600_000))
    }
}
