/// The name of one search, everywhere that it goes: 16 random bytes, given where it begins.
package struct QueryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let bytesCount = 16

    private let high: UInt64
    private let low: UInt64

    /// The shell brings the randomness.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// nil unless there are exactly 16 bytes (big-endian).
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.bytesCount else { return nil }
        func number(_ part: some Collection<UInt8>) -> UInt64 {
            part.reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(high: number(bytes.prefix(8)), low: number(bytes.dropFirst(8)))
    }

    package var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
    }

    /// 32 hex digits.
    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    package static func < (left: QueryID, right: QueryID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// One search as it arrives at a peer.
package struct Query: Hashable, Sendable {
    package var id: QueryID
    /// What is looked for; only the catalog reads it.
    package var text: String
    /// How many neighbours each hop asks.
    package var fanout: Int
    /// Hops from here: 0 asks nobody, 1 the direct neighbours.
    package var ttl: Int
    /// The whole answer is there by then, or what is missing is named.
    package var deadline: Instant
    /// Where it began.
    package var origin: PeerURL

    package init(
        id: QueryID, text: String, fanout: Int, ttl: Int, deadline: Instant, origin: PeerURL
    ) {
        self.id = id
        self.text = text
        self.fanout = fanout
        self.ttl = ttl
        self.deadline = deadline
        self.origin = origin
    }
}

/// How much of the fleet an answer covers, as seen from the peer that says it.
package struct Coverage: Hashable, Sendable {
    /// Peers whose answer was passed on, this one included.
    package var reached = 0
    /// Peers that failed, and of which no answer came by another way.
    package var failed = 0
    /// Branches that met the query again, and answers that came twice.
    package var duplicates = 0
    /// A bound cut it short somewhere: there may be more.
    package var truncated = false
    /// The deadline came first.
    package var timedOut = false

    package init() {}
}
