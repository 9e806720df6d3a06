/// How ``Swim`` paces itself and what bounds it.
package struct SwimConfiguration: Hashable, Sendable {
    /// Between two probes that a peer sends. Lower notices sooner and costs a ping and an ack each.
    package var probeInterval = Duration.seconds(1)
    /// Without an answer for so long, others are asked to try (memberlist's LAN default).
    package var probeTimeout = Duration.milliseconds(500)
    /// Peers asked to try: SWIM's k, memberlist's default.
    package var helpers = 3
    /// Between two rounds of gossip, while there is news (memberlist's LAN defaults, both).
    package var gossipInterval = Duration.milliseconds(200)
    package var gossipFanout = 3
    /// A peer passes an update on `retransmitFactor * ceil(log10(members + 1))` times (memberlist).
    package var retransmitFactor = 4
    /// A suspect has `suspicionFactor * log10(members)` intervals at least until it is dead (Lifeguard's alpha)...
    package var suspicionFactor = 4
    /// ... and so many times as long while nobody confirms (its beta).
    package var suspicionMaxFactor = 6
    /// Independent suspicions until the least time counts (its K).
    package var confirmations = 3
    /// So many, about, of all that hear of a suspicion look for themselves next. With few, the confirmations may come
    /// late by chance: with 4, one crash in a hundred among 32 took 3 s longer (overlay-sim run crash-32).
    package var lookers = 6
    /// The local health multiplier ends here (its S).
    package var healthMax = 8
    /// Between two comparisons with a random member (memberlist).
    package var syncInterval = Duration.seconds(30)
    /// Between two attempts to reach a dead member or a friend that is none: heals a partition.
    package var reconnectInterval = Duration.seconds(5)
    /// Updates in one message, in bytes, so that it fits a packet.
    package var updateBytesMax = 1000
    /// Updates waiting to be passed on. Past it the one passed on most often gives way; who
    /// misses it learns it from a comparison.
    package var pendingMax = 1024
    /// Members. Past it the longest known dead gives way, and where none is, a new one is not
    /// taken: it still takes part, seen by others, and this peer will not ask it.
    package var membersMax = 20_000
    /// Probes for others under way; one more is not done, and its asker hears no nack.
    package var relaysMax = 64
    /// Suspicions with a clock of their own; the one more is believed, without a clock here.
    package var suspicionsMax = 256
    /// A dead or left member is forgotten after this time.
    package var forgetAfter = Duration.seconds(24 * 3600)

    /// A fault on purpose, for the simulator to find; nil always but in tests.
    var plantedBug: PlantedBug?

    package init() {}

    package enum PlantedBug: String, Hashable, Sendable, CaseIterable, Codable {
        /// Believes whatever it hears last.
        case dropsIncarnationCheck
        case forgetsToRefute
        case answersTwice
    }

    /// For tests of the simulator.
    package mutating func plant(_ bug: PlantedBug?) { plantedBug = bug }

    /// `ceil(log10(members + 1))` times the factor.
    func transmissionsMax(members: Int) -> Int {
        var (digits, power) = (1, 10)
        while power < members + 1 {
            digits += 1
            power *= 10
        }
        return retransmitFactor * digits
    }

    func suspicionMin(members: Int) -> Duration {
        let perMille = max(1000, Self.log10PerMille(members))
        return probeInterval * suspicionFactor * perMille / 1000
    }

    /// Shrinks from the longest to the least by the logarithm of the suspicions (Lifeguard §IV-B): for
    /// c of K the share `log(c + 1) / log(K + 1)` of the way.
    func suspicionTimeout(members: Int, confirmations count: Int) -> Duration {
        let least = suspicionMin(members: members)
        let needed = min(confirmations, members - 2)
        guard needed > 0, count < needed else { return least }
        let share = Self.log10PerMille(count + 1) * 1000 / Self.log10PerMille(needed + 1)
        return least + least * (suspicionMaxFactor - 1) * (1000 - share) / 1000
    }

    /// A thousand times the decimal logarithm; between powers of two by a straight line, 3 % too
    /// low at most (there is no logarithm without Foundation).
    static func log10PerMille(_ number: Int) -> Int {
        guard number > 1 else { return 0 }
        let power = Int.bitWidth - 1 - number.leadingZeroBitCount
        let rest = (number - (1 << power)) * 1000 / (1 << power)
        return (power * 1000 + rest) * 30103 / 100_000
    }
}
