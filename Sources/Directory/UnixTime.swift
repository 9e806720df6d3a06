/// A moment as the directory reckons: milliseconds since 1970 on the wall clock.
///
/// Not a monotonic clock, since leases outlive the process and, in a shared database, are
/// compared by several. Their hosts' clocks must agree to well within a lease (NTP does): a clock
/// that is wrong by a second ends leases a second early or late.
package struct UnixTime: Hashable, Comparable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func < (one: UnixTime, other: UnixTime) -> Bool {
        one.milliseconds < other.milliseconds
    }

    package static func + (time: UnixTime, duration: Duration) -> UnixTime {
        let (seconds, attoseconds) = duration.components
        return UnixTime(
            milliseconds: time.milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
