import Locking
import Overlay

/// The rate limits of all faces: one budget per client, whichever face it uses.
package final class ClientLimiter: Sendable {
    private let limiter: Locked<RateLimiter>
    private let start = ContinuousClock.now

    package init(addressesMax: Int = RateLimiter.addressesMax) {
        limiter = Locked(RateLimiter(addressesMax: addressesMax))
    }

    package func admit(
        _ use: RateLimiter.Use, from address: ClientAddress, settings: LiveSettings
    ) -> RateLimiter.Verdict {
        let limits = RateLimiter.Limits(
            requestsPerMinute: settings.requestsPerMinute,
            downloadsPerMinute: settings.downloadsPerMinute)
        let now = Instant(sinceStart: .now - start)
        return limiter.withLock { $0.admit(use, from: address, limits: limits, now: now) }
    }
}
