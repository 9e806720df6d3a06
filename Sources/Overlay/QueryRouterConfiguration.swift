/// What bounds ``QueryRouter``.
package struct QueryRouterConfiguration: Hashable, Sendable {
    /// Neighbours that one hop asks at most, whatever a query wants.
    package var fanoutMax: Int
    /// Hops at most. 16 hops of two neighbours would pass 65,536 peers.
    package var ttlMax = 16
    /// No query stays open longer, whatever its deadline says.
    package var durationMax = Duration.seconds(60)
    /// A neighbour gets this share of the time that is left less, within the two bounds, so that
    /// it reports its slow leaf before we give up on the neighbour with all that it found.
    package var marginPercent = 10
    package var marginMin = Duration.milliseconds(20)
    package var marginMax = Duration.milliseconds(500)
    /// Queries open at once; one more is answered as truncated at once, so that it is sent to
    /// others. Each may hold `fanoutMax` streams.
    package var openMax = 256
    /// Answers passed on for one query, and failures; at the next the query ends, truncated.
    package var recordsMax = 10_000
    /// Names in the hint of who was asked already; the rest is left out, which costs a duplicate.
    package var alreadyAskedMax = 256
    /// Ids remembered, about 0.1 KB each. Too few and a slow cycle is walked twice.
    package var seenMax = 16_384
    /// Longer than any query stays open anywhere (`durationMax`) by far.
    package var seenLifetime = Duration.seconds(600)

    package init(fanoutMax: Int) {
        self.fanoutMax = fanoutMax
    }
}
