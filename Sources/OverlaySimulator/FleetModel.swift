/// How a simulated fleet starts, what befalls it, and what it is measured by.
package struct FleetModel: Codable, Hashable, Sendable {
    package enum FaultKind: String, Codable, Sendable {
        /// Peers by chance end without a word; all that ended start again; peers leave on purpose.
        case crash, restart, leave
        /// New peers, which know one member.
        case join
        /// The first peers do nothing for `seconds`, and then all at once.
        case stall
        /// The fleet is cut in two by chance, and is whole again.
        case partition, heal
    }

    package struct Fault: Codable, Hashable, Sendable {
        package var at: Double
        package var kind: FaultKind
        package var peers: Int?
        package var seconds: Double?
        /// Again so often, in seconds, until then.
        package var every: Double?
        package var until: Double?
    }

    /// What has to hold; nil is not asked for.
    package struct Expectation: Codable, Hashable, Sendable {
        /// The slowest of one run; what a percentile is of many runs, bench_overlay.py says.
        package var crashKnownSecondsMax: Double?
        package var joinKnownSeconds: Double?
        package var falseDeathsMax: Int?
        package var bytesPerSecondMax: Double?
        /// After the last fault, until everybody believes what is true.
        package var convergedSeconds: Double?

        package init() {}
    }

    package var seconds = 60.0
    /// Whether peers know at first only two of them, their friends, and not everybody.
    package var startsCold = false
    package var faults: [Fault] = []
    package var expect = Expectation()

    package init() {}

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        seconds = try values.decodeIfPresent(Double.self, forKey: .seconds) ?? seconds
        startsCold = try values.decodeIfPresent(Bool.self, forKey: .startsCold) ?? startsCold
        faults = try values.decodeIfPresent([Fault].self, forKey: .faults) ?? faults
        expect = try values.decodeIfPresent(Expectation.self, forKey: .expect) ?? expect
    }

    /// Every fault at its time, repetitions written out, in order.
    var timetable: [(at: Double, fault: Fault)] {
        let all = faults.flatMap { fault -> [(at: Double, fault: Fault)] in
            guard let every = fault.every, every > 0 else { return [(fault.at, fault)] }
            return stride(from: fault.at, through: fault.until ?? seconds, by: every).map {
                ($0, fault)
            }
        }
        return all.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }
}
