import Testing

@testable import GRPCNghttp2

@Suite("When a server is tried again")
struct ConnectionBackoffTests {
    @Test(
        "The specification's series: 1 s, 1.6 times each, 120 s at most",
        arguments: [(1, 1.0), (2, 1.6), (3, 2.56), (10, 68.7), (12, 120), (1_000_000, 120)])
    func series(failures: Int, seconds: Double) {
        let delay = ConnectionBackoff().delay(failures: failures, random: 0)
        #expect(abs(delay / .seconds(1) - seconds) < 0.05)
    }

    @Test("Jitter moves a wait by a fifth at most")
    func jitter() {
        let backoff = ConnectionBackoff()
        #expect(backoff.delay(failures: 1, random: -1) == .milliseconds(800))
        #expect(backoff.delay(failures: 1, random: 1) == .milliseconds(1200))
    }
}
