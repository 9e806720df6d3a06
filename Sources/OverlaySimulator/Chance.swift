import Glibc
import Overlay

/// What a simulation draws from its seed, beyond whole numbers.
extension SplitMix64 {
    /// In `0..<1`, with 53 bits.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && unit() < probability
    }

    /// Exponentially distributed, of mean 1.
    mutating func exponential() -> Double { -log(1 - unit()) }

    /// Normally distributed, of mean 0 and deviation 1 (Box and Muller 1958; the second is thrown away).
    mutating func normal() -> Double {
        sqrt(2 * exponential()) * cos(2 * Double.pi * unit())
    }
}

/// Ranks `0..<count`, the rank r with a weight of `1 / (r + 1)^exponent` (Zipf).
struct Zipf {
    /// Cumulated weights.
    private let sums: [Double]

    init(count: Int, exponent: Double) {
        precondition(count > 0, "Zipf needs ranks, and got \(count)")
        var sum = 0.0
        sums = (1...count).map { rank in
            sum += pow(Double(rank), -exponent)
            return sum
        }
    }

    func rank(_ random: inout SplitMix64) -> Int {
        let target = random.unit() * (sums.last ?? 0)
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] <= target { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Duration {
    static func seconds(fraction: Double) -> Duration { .nanoseconds(Int64(fraction * 1e9)) }

    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
