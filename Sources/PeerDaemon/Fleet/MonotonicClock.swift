import Overlay

/// The real time, as the state machines want to be told it.
struct MonotonicClock: Sendable {
    private let start = ContinuousClock.now

    var now: Instant { Instant(sinceStart: ContinuousClock.now - start) }

    /// - Returns: False when the task is cancelled first.
    func sleep(until at: Instant) async -> Bool {
        do {
            try await Task.sleep(for: at - now, tolerance: .milliseconds(1))
            return true
        } catch {
            return false
        }
    }
}
