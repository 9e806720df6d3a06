import Overlay
import Testing

@testable import PeerDaemon

@Suite("RESTTests: rate limits")
struct RESTTestsRateLimiter {
    private let client = ClientAddress("192.0.2.1") ?? .unknown
    private let limits = RateLimiter.Limits(requestsPerMinute: 6, downloadsPerMinute: 2)

    private func at(_ seconds: Double) -> Instant {
        Instant(sinceStart: .seconds(seconds))
    }

    @Test("A minute's worth may come at once; then one each time its share of a minute is over")
    func burst() {
        var limiter = RateLimiter()
        for _ in 0..<6 {
            #expect(limiter.admit(.request, from: client, limits: limits, now: at(5)) == .admitted)
        }
        #expect(
            limiter.admit(.request, from: client, limits: limits, now: at(5))
                == .refused(retryAfter: .seconds(10)))
        #expect(
            limiter.admit(.request, from: client, limits: limits, now: at(12.5))
                == .refused(retryAfter: .seconds(2.5)))
        #expect(limiter.admit(.request, from: client, limits: limits, now: at(15)) == .admitted)
        #expect(limiter.admit(.request, from: client, limits: limits, now: at(15)) != .admitted)
        for _ in 0..<6 {
            #expect(
                limiter.admit(.request, from: client, limits: limits, now: at(1000)) == .admitted)
        }
    }

    @Test("A download costs both budgets, and one that is refused neither")
    func downloads() {
        var limiter = RateLimiter()
        for _ in 0..<2 {
            #expect(limiter.admit(.download, from: client, limits: limits, now: at(0)) == .admitted)
        }
        for _ in 0..<10 {
            #expect(limiter.admit(.download, from: client, limits: limits, now: at(0)) != .admitted)
        }
        for _ in 0..<4 {
            #expect(limiter.admit(.request, from: client, limits: limits, now: at(0)) == .admitted)
        }
        #expect(limiter.admit(.request, from: client, limits: limits, now: at(0)) != .admitted)
    }

    @Test("Polling while refused does not push the next admission away, however often")
    func polling() {
        var limiter = RateLimiter()
        var admitted = 0
        for step in 0..<6000
        where limiter.admit(
            .request, from: client, limits: limits, now: at(Double(step) / 100)) == .admitted
        {
            admitted += 1
        }
        #expect(admitted == 6 + 5)
    }

    @Test("No limit is none, and a new limit holds from the next request on")
    func live() {
        var limiter = RateLimiter()
        let unlimited = RateLimiter.Limits(requestsPerMinute: 0, downloadsPerMinute: 0)
        for _ in 0..<1000 {
            #expect(
                limiter.admit(.download, from: client, limits: unlimited, now: at(0)) == .admitted)
        }
        for _ in 0..<2 {
            #expect(limiter.admit(.download, from: client, limits: limits, now: at(0)) == .admitted)
        }
        #expect(limiter.admit(.download, from: client, limits: limits, now: at(0)) != .admitted)
        let wider = RateLimiter.Limits(requestsPerMinute: 6, downloadsPerMinute: 3)
        #expect(limiter.admit(.download, from: client, limits: wider, now: at(0)) == .admitted)
    }

    @Test("Of too many addresses the one that was seen least recently is forgotten")
    func bounded() throws {
        var limiter = RateLimiter(addressesMax: 3)
        let single = RateLimiter.Limits(requestsPerMinute: 1, downloadsPerMinute: 1)
        let addresses = try (1...4).map { try #require(ClientAddress("192.0.2.\($0)")) }
        func ask(_ index: Int) -> RateLimiter.Verdict {
            limiter.admit(.request, from: addresses[index], limits: single, now: at(0))
        }
        for index in 0..<3 { #expect(ask(index) == .admitted) }
        // The first is now the newest, so that the second goes.
        #expect(ask(0) != .admitted)
        #expect(ask(3) == .admitted)
        #expect(limiter.count == 3)
        #expect(ask(0) != .admitted)
        #expect(ask(2) != .admitted)
        #expect(ask(1) == .admitted)
        #expect(limiter.count == 3)
        #expect(ask(2) != .admitted)
        #expect(ask(3) == .admitted)
    }

    @Test("The table agrees with a plain list of who was seen last")
    func model() {
        var limiter = RateLimiter(addressesMax: 8)
        let single = RateLimiter.Limits(requestsPerMinute: 1, downloadsPerMinute: 1)
        var recent: [Int] = []
        var number: UInt32 = 1
        for _ in 0..<1000 {
            number = number &* 1_664_525 &+ 1_013_904_223
            let host = Int(number >> 16) % 20
            let address = ClientAddress("192.0.2.\(host)") ?? .unknown
            let verdict = limiter.admit(.request, from: address, limits: single, now: at(0))
            #expect((verdict == .admitted) == !recent.contains(host))
            recent.removeAll { $0 == host }
            recent.append(host)
            if recent.count > 8 { recent.removeFirst() }
        }
    }

    @Test("IPv6 clients are told apart by their network, IPv4 ones by their address")
    func addresses() throws {
        #expect(ClientAddress("2001:db8:1:2::1") == ClientAddress("2001:db8:1:2:ffff::9"))
        #expect(ClientAddress("2001:db8:1:2::1") != ClientAddress("2001:db8:1:3::1"))
        #expect(ClientAddress("192.0.2.1") != ClientAddress("192.0.2.2"))
        #expect(ClientAddress("::ffff:192.0.2.1") == ClientAddress("192.0.2.1"))
        #expect(ClientAddress("::1") != ClientAddress("0.0.0.0"))
        #expect(ClientAddress("host") == nil)
        #expect(ClientAddress(grpcPeer: "ipv4:192.0.2.1:50051") == client)
        #expect(ClientAddress(grpcPeer: "ipv6:[2001:db8::1]:9") == ClientAddress("2001:db8::2"))
        #expect(ClientAddress(grpcPeer: "unix:/run/x") == .unknown)
    }
}
