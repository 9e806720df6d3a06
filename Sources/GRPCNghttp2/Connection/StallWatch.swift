import NIOCore

/// Finds what waits and does not move: a stream with bytes to send or half a message received, or the
/// connection itself.
///
/// Asked from time to time. What waits must move a least number of bytes in each period; how often the other
/// side says that it could is no movement. Pure: the caller supplies `now`.
struct StallWatch<Key: Hashable> {
    private struct Mark {
        var since: NIODeadline
        var bytes = 0
    }

    private let limit: TimeAmount
    private let bytesMin: Int
    private var marks: [Key: Mark] = [:]

    init(limit: TimeAmount, bytesMin: Int) {
        self.limit = limit
        self.bytesMin = bytesMin
    }

    /// `key` sent or received something of use.
    mutating func moved(_ key: Key, bytes: Int) {
        marks[key]?.bytes += bytes
    }

    /// - Parameter waiting: What waits now; what is not named starts afresh when it waits again.
    /// - Returns: Those that have waited for the limit.
    mutating func stalled(among waiting: [Key], now: NIODeadline) -> [Key] {
        var kept: [Key: Mark] = [:]
        var stalled: [Key] = []
        for key in waiting {
            let mark = marks[key] ?? Mark(since: now)
            if mark.bytes >= bytesMin {
                kept[key] = Mark(since: now)
            } else if now - mark.since >= limit {
                stalled.append(key)
            } else {
                kept[key] = mark
            }
        }
        marks = kept
        return stalled
    }
}
