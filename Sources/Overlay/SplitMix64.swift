/// A seeded generator held in a state machine, so that the same seed gives the same run.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. It
/// spreads load and jitter; it guards no secret.
package struct SplitMix64: Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in `0..<bound`, by Lemire's multiplication; its bias, below `bound / 2^64`, is
    /// of no consequence here.
    package mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "an empty range has no number in it: \(bound)")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// `elements` in random order (Fisher and Yates).
    package mutating func shuffle<Element>(_ elements: [Element]) -> [Element] {
        var shuffled = elements
        for last in stride(from: shuffled.count - 1, to: 0, by: -1) {
            shuffled.swapAt(last, next(below: last + 1))
        }
        return shuffled
    }

    /// `duration` changed by at most `percent` of itself either way, so that peers that were
    /// started together do not act together for ever.
    package mutating func jitter(_ duration: Duration, percent: Int) -> Duration {
        let perMille = 1000 - 10 * percent + next(below: 20 * percent + 1)
        return duration * perMille / 1000
    }
}
