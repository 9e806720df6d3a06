/// How fast a source sends, as an average in which the last seconds count most.
struct RateMeter: Sendable {
    /// Of an average's new value, in percent. Half of what was known is forgotten after two spans.
    private static let weight: Int64 = 30
    /// Shorter spans say more of the sockets' buffers than of the way.
    static let span = Duration.milliseconds(500)

    /// Bytes a second; 0 until something was measured.
    private(set) var bytesPerSecond: Int64 = 0
    private var begin: Duration?
    private var bytes: Int64 = 0

    /// From here on it is asked for something.
    mutating func start(now: Duration) {
        guard begin == nil else { return }
        begin = now
        bytes = 0
    }

    /// It is asked for nothing any more: what comes next says nothing of its speed.
    mutating func stop(now: Duration) {
        measure(now: now, spanMin: .milliseconds(1))
        begin = nil
    }

    mutating func add(_ count: Int, now: Duration) {
        bytes += Int64(count)
        measure(now: now, spanMin: Self.span)
    }

    /// Also called by the clock, so that silence is seen as slowness.
    mutating func measure(now: Duration) {
        measure(now: now, spanMin: Self.span)
    }

    private mutating func measure(now: Duration, spanMin: Duration) {
        guard let begin, now - begin >= spanMin else { return }
        let milliseconds = max(1, (now - begin) / .milliseconds(1))
        let measured = Int64(Double(bytes) * 1000 / milliseconds)
        bytesPerSecond =
            bytesPerSecond == 0
            ? measured
            : (bytesPerSecond * (100 - Self.weight) + measured * Self.weight) / 100
        self.begin = now
        bytes = 0
    }
}
