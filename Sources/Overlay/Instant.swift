// Overlay: who the peers are, whether they live, and where a search goes. Pure state machines:
// events in, effects out; the daemon performs the effects over REST and gRPC, the simulator over a
// seeded network. Imports nothing at all (OverlayTests/PurityTests.swift reads these files).

/// A point in time as the caller tells it: the duration since an arbitrary start.
///
/// Two instants compare only when they come from the same caller. It must never go back, so the
/// daemon feeds it from a monotonic clock and the simulator from its virtual one.
package struct Instant: Hashable, Comparable, Sendable {
    /// The caller's arbitrary start.
    package static let zero = Instant(sinceStart: .zero)

    package let sinceStart: Duration

    package init(sinceStart: Duration) {
        self.sinceStart = sinceStart
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.sinceStart < right.sinceStart
    }

    package static func + (start: Instant, duration: Duration) -> Instant {
        Instant(sinceStart: start.sinceStart + duration)
    }

    package static func - (end: Instant, duration: Duration) -> Instant {
        Instant(sinceStart: end.sinceStart - duration)
    }

    package static func - (later: Instant, earlier: Instant) -> Duration {
        later.sinceStart - earlier.sinceStart
    }
}
