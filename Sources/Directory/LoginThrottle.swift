import Locking

/// Bounds failed logins, for an account from an address and for an address.
///
/// Token buckets: a failure takes one, time brings them back, an empty bucket refuses. Never for
/// an account from everywhere, which would let any stranger keep a peer out.
///
/// A table is of fixed size, without rows to run out of: a pair falls into a bucket by a hash
/// that is keyed for each process. Two that share one share its bound. To fill a table an
/// attacker would need more failures than there can be: each costs an argon2id, some fifty a
/// second, while 65,536 buckets regain thousands.
final class LoginThrottle: Sendable {
    struct Rate: Sendable {
        /// Failures in a row.
        let burst: Double
        /// Until one more is free.
        let interval: Duration
    }

    /// Of one account from one address. (guess: a person mistypes thrice, a program always)
    static let pairRate = Rate(burst: 5, interval: .seconds(12))
    /// Of one address. (guess: a fleet behind one address whose passwords were all changed)
    static let addressRate = Rate(burst: 50, interval: .seconds(1))

    private struct Bucket {
        var level: Float
        /// In milliseconds since 1970.
        var time: Int64
    }

    private struct Table {
        private var buckets: [Bucket]
        private let rate: Rate

        init(rate: Rate, size: Int) {
            self.rate = rate
            buckets = Array(repeating: Bucket(level: Float(rate.burst), time: 0), count: size)
        }

        private func index(_ key: some Hashable) -> Int {
            Int(UInt(bitPattern: key.hashValue) % UInt(buckets.count))
        }

        private var interval: Double { rate.interval / .milliseconds(1) }

        private func level(_ index: Int, _ now: UnixTime) -> Double {
            let bucket = buckets[index]
            let elapsed = Double(max(0, now.milliseconds - bucket.time))
            return min(rate.burst, Double(bucket.level) + elapsed / interval)
        }

        /// nil when there is a token.
        func delay(_ key: some Hashable, _ now: UnixTime) -> Duration? {
            let level = level(index(key), now)
            return level >= 1 ? nil : .milliseconds(Int64(((1 - level) * interval).rounded(.up)))
        }

        mutating func take(_ key: some Hashable, _ now: UnixTime) {
            let index = index(key)
            buckets[index] = Bucket(
                level: Float(max(0, level(index, now) - 1)), time: now.milliseconds)
        }

        mutating func fill(_ key: some Hashable) {
            buckets[index(key)] = Bucket(level: Float(rate.burst), time: 0)
        }
    }

    private struct Pair: Hashable {
        let account: ExactString
        let network: String
    }

    private struct Tables {
        var pairs: Table
        var addresses: Table
    }

    private let tables: Locked<Tables>

    /// - Parameter size: Buckets of each table, 16 bytes each.
    init(size: Int = 65_536) {
        tables = Locked(
            Tables(
                pairs: Table(rate: Self.pairRate, size: size),
                addresses: Table(rate: Self.addressRate, size: size)))
    }

    /// How long an attempt has to wait; nil when it may be made now.
    ///
    /// - Parameter isFamiliar: The account has logged in from there: strangers who share its
    ///   address do not count against it.
    func delay(
        account: String, source: String, isFamiliar: Bool, now: UnixTime
    ) -> Duration? {
        let pair = Pair(account: ExactString(account), network: Self.network(source))
        return tables.withLock { tables in
            tables.pairs.delay(pair, now)
                ?? (isFamiliar ? nil : tables.addresses.delay(pair.network, now))
        }
    }

    func failed(account: String, source: String, now: UnixTime) {
        let pair = Pair(account: ExactString(account), network: Self.network(source))
        tables.withLock { tables in
            tables.pairs.take(pair, now)
            tables.addresses.take(pair.network, now)
        }
    }

    func succeeded(account: String, source: String) {
        let pair = Pair(account: ExactString(account), network: Self.network(source))
        tables.withLock { $0.pairs.fill(pair) }
    }

    /// An IPv4 address, or the first four groups of an IPv6 one: a customer has a /64 at least.
    static func network(_ source: String) -> String {
        guard source.utf8.contains(UInt8(ascii: ":")), !source.contains(".") else {
            return source
        }
        let groups = source.split(separator: ":", omittingEmptySubsequences: false)
        let leading = groups.prefix { !$0.isEmpty }.prefix(4)
        return leading.joined(separator: ":") + "::/64"
    }
}
