/// The header field `grpc-timeout`: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").
struct CallTimeout: Equatable {
    private static let units: [(letter: Character, nanoseconds: Int64)] = [
        ("n", 1), ("u", 1000), ("m", 1_000_000), ("S", 1_000_000_000), ("M", 60_000_000_000),
        ("H", 3_600_000_000_000),
    ]

    private let amount: Int64
    private let unit: Int

    /// - Returns: nil for what is no timeout.
    init?(_ value: String) {
        let digits = value.dropLast()
        guard let letter = value.last,
            let unit = Self.units.firstIndex(where: { $0.letter == letter }),
            (1...8).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let amount = Int64(digits)
        else { return nil }
        self.amount = amount
        self.unit = unit
    }

    var duration: Duration {
        // 99,999,999 hours are more nanoseconds than an Int64 holds.
        .nanoseconds(Self.units[unit].nanoseconds) * amount
    }

    /// The same timeout, or the next longer one, in at most seven digits.
    ///
    /// GRPCCore 2.4 reads no more than that, takes a longer value for no timeout, and ends the process
    /// at a negative one: a header field must not reach it unread.
    var normalized: String {
        let digitsMax: Int64 = 9_999_999
        var (amount, unit) = (amount, unit)
        while amount > digitsMax, unit + 1 < Self.units.count {
            let step = Self.units[unit + 1].nanoseconds / Self.units[unit].nanoseconds
            amount = (amount + step - 1) / step
            unit += 1
        }
        return "\(min(amount, digitsMax))\(Self.units[unit].letter)"
    }

    static func == (one: CallTimeout, other: CallTimeout) -> Bool {
        one.duration == other.duration
    }
}
