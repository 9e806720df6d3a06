import Overlay

/// What became of one search.
package struct SearchOutcome: Codable, Hashable, Sendable {
    /// Files that the peer that asked has got to know.
    package var files = 0
    /// Peers that searched their catalogs, and those whose answer arrived.
    package var searched = 0
    package var reached = 0
    package var known = 0
    /// Not asked, since their answer was kept by somebody.
    package var cached = 0
    /// Not asked, since they could not match.
    package var pruned = 0
    package var failed = 0
    package var truncated = false
    /// Everything on the wire: `asks`, `answers`, `ends` and `cancels`.
    package var messages = 0
    package var asks = 0
    package var answers = 0
    package var ends = 0
    package var cancels = 0
    package var duplicates = 0
    /// Until the first file of another peer, and until the end; nil where there was none.
    package var firstHitMilliseconds: Double?
    package var completeMilliseconds: Double?
    /// Peers that searched their catalogs more than once for it: a fault.
    package var searchedTwice = 0
}
