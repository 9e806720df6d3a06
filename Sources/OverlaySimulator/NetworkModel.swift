import Glibc
import Overlay

/// How long links are and what goes wrong on them, as a scenario says it.
package struct NetworkModel: Codable, Hashable, Sendable {
    package enum Distribution: String, Codable, Sendable {
        case constant, uniform, lognormal
    }

    /// Of one way. `constant`: the median; `uniform`: between half of it and one and a half;
    /// `lognormal`: with `sigma` (0.5: one link in a hundred is 3.2 times the median).
    package var latency = Distribution.lognormal
    package var medianMilliseconds = 20.0
    package var sigma = 0.5
    /// Each message adds up to this share of its link's latency, by chance.
    package var jitterPercent = 20.0
    /// Shares of messages, in 0...1. A stream (a search) loses nothing, it waits for the next try.
    package var loss = 0.0
    package var duplication = 0.0
    /// Those take up to four times as long, and are overtaken.
    package var reordering = 0.0

    package init() {}

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        latency = try values.decodeIfPresent(Distribution.self, forKey: .latency) ?? latency
        medianMilliseconds =
            try values.decodeIfPresent(Double.self, forKey: .medianMilliseconds)
            ?? medianMilliseconds
        sigma = try values.decodeIfPresent(Double.self, forKey: .sigma) ?? sigma
        jitterPercent =
            try values.decodeIfPresent(Double.self, forKey: .jitterPercent) ?? jitterPercent
        loss = try values.decodeIfPresent(Double.self, forKey: .loss) ?? loss
        duplication = try values.decodeIfPresent(Double.self, forKey: .duplication) ?? duplication
        reordering = try values.decodeIfPresent(Double.self, forKey: .reordering) ?? reordering
    }
}

/// Draws the fate of messages. A link keeps its latency for the whole run, the same both ways.
struct Links {
    let model: NetworkModel
    private let seed: UInt64
    private var random: SplitMix64

    /// When a stream that lost a segment sends it again (RFC 6298's lower bound as Linux has it).
    static let retransmission = Duration.milliseconds(200)

    init(_ model: NetworkModel, seed: UInt64) {
        self.model = model
        self.seed = seed
        random = SplitMix64(seed: ~seed)
    }

    /// One way, in seconds, without jitter.
    func latency(_ one: Int, _ other: Int) -> Double {
        let pair = UInt64(min(one, other)) << 32 | UInt64(max(one, other))
        var link = SplitMix64(seed: seed ^ pair &* 0x9E37_79B9_7F4A_7C15)
        let median = model.medianMilliseconds / 1000
        return switch model.latency {
        case .constant: median
        case .uniform: median * (0.5 + link.unit())
        case .lognormal: median * exp(model.sigma * link.normal())
        }
    }

    /// How long a message of a stream takes.
    mutating func stream(from one: Int, to other: Int) -> Duration {
        var delay = jittered(latency(one, other))
        while random.chance(model.loss) { delay += Self.retransmission.inSeconds }
        return .seconds(fraction: delay)
    }

    /// How long each copy of a message on its own takes; none where it is lost.
    mutating func datagram(from one: Int, to other: Int) -> [Duration] {
        let base = latency(one, other)
        if random.chance(model.loss) { return [] }
        var copies = [copy(base)]
        if random.chance(model.duplication) { copies.append(copy(base)) }
        return copies
    }

    private mutating func copy(_ base: Double) -> Duration {
        let factor = random.chance(model.reordering) ? 1 + 3 * random.unit() : 1
        return .seconds(fraction: jittered(base) * factor)
    }

    private mutating func jittered(_ base: Double) -> Double {
        base * (1 + model.jitterPercent / 100 * random.unit())
    }
}
