import NIOCore
import NIOEmbedded
import Testing

@testable import GRPCNghttp2

@Suite("Connecting to one of several addresses")
struct AddressAttemptsTests {
    private struct Refused: Error, Equatable {
        let port: Int
    }

    /// Attempts on an event loop whose time is the test's.
    private final class Attempts {
        let loop = EmbeddedEventLoop()
        private(set) var promises: [Int: EventLoopPromise<any Channel>] = [:]
        private(set) var tried: [Int] = []

        func run(_ ports: [Int]) throws -> EventLoopFuture<any Channel> {
            let addresses = try ports.map { try SocketAddress(ipAddress: "192.0.2.1", port: $0) }
            return AddressAttempts(addresses, on: loop) { address in
                let promise = self.loop.makePromise(of: (any Channel).self)
                self.tried.append(address.port ?? 0)
                self.promises[address.port ?? 0] = promise
                return promise.futureResult
            }.run()
        }
    }

    @Test("The next address is tried when one has failed, in order")
    func order() throws {
        let attempts = Attempts()
        let result = try attempts.run([1, 2, 3])
        #expect(attempts.tried == [1])
        attempts.promises[1]?.fail(Refused(port: 1))
        attempts.promises[2]?.fail(Refused(port: 2))
        #expect(attempts.tried == [1, 2, 3])
        let channel = EmbeddedChannel()
        attempts.promises[3]?.succeed(channel)
        #expect(try result.wait() === channel)
        _ = try channel.finish()
    }

    @Test("One that does not answer holds the next one up for a moment only")
    func silent() throws {
        let attempts = Attempts()
        let result = try attempts.run([1, 2])
        attempts.loop.advanceTime(by: .milliseconds(249))
        #expect(attempts.tried == [1])
        attempts.loop.advanceTime(by: .milliseconds(1))
        #expect(attempts.tried == [1, 2])
        let (first, late) = (EmbeddedChannel(), EmbeddedChannel())
        attempts.promises[2]?.succeed(first)
        #expect(try result.wait() === first)
        _ = try first.finish()
        // And one that answers then is closed.
        attempts.promises[1]?.succeed(late)
        late.embeddedEventLoop.run()
        #expect(throws: Never.self) { try late.closeFuture.wait() }
    }

    @Test("When all have failed, the failure that came first is told")
    func allFailed() throws {
        let attempts = Attempts()
        let result = try attempts.run([1, 2])
        attempts.loop.advanceTime(by: .seconds(1))
        attempts.promises[2]?.fail(Refused(port: 2))
        attempts.promises[1]?.fail(Refused(port: 1))
        #expect(throws: Refused(port: 2)) { try result.wait() }
    }

    @Test("No address is a failure of its own")
    func none() throws {
        #expect(throws: NoAddress.self) { try Attempts().run([]).wait() }
    }
}
