import Overlay

/// A hash of everything that happened, in its order; two runs are the same when theirs are equal.
///
/// FNV-1a's idea over words, finished by SplitMix64's mixer. Tells runs apart, guards nothing.
package struct TraceHash: Hashable, Sendable, CustomStringConvertible {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func mix(_ word: UInt64) {
        state = (state ^ word) &* 0x0000_0100_0000_01B3
        state ^= state >> 29
    }

    package mutating func mix(_ number: Int) { mix(UInt64(bitPattern: Int64(number))) }

    package mutating func mix(_ instant: Instant) {
        let (seconds, attoseconds) = instant.sinceStart.components
        mix(UInt64(bitPattern: seconds))
        mix(UInt64(bitPattern: attoseconds))
    }

    package mutating func mix(_ text: String) {
        for byte in text.utf8 { mix(UInt64(byte)) }
    }

    /// 16 hex digits.
    package var description: String {
        var last = SplitMix64(seed: state)
        let digits = String(last.next(), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
