import GRPCCore
import Testing

@testable import GRPCNghttp2

@Suite struct InboxTests {
    /// What credit closures hold: in a call, its stream, which holds the inbox.
    private final class Holder: Sendable {}

    @Test(
        "Nothing is held for credit once the sender is done",
        arguments: [true, false])
    func holdsNothingAfterTheEnd(endsFirst: Bool) {
        let inbox = Inbox<Int>(windowBytes: 1024)
        weak var held: Holder?
        do {
            let holder = Holder()
            held = holder
            inbox.append(1, bytes: 1)
            if endsFirst { inbox.finish(.success(())) }
            inbox.creditSender { _ in withExtendedLifetime(holder) {} }
            if !endsFirst { inbox.finish(.success(())) }
        }
        #expect(held == nil)
    }

    @Test("What is taken is credited in steps, and all of it is there to be taken after the end")
    func creditsInSteps() async throws {
        let inbox = Inbox<Int>(windowBytes: 1024)
        let (credits, continuation) = AsyncStream.makeStream(of: Int.self)
        inbox.creditSender { continuation.yield($0) }
        for part in 1...3 { inbox.append(part, bytes: 100) }
        for part in 1...2 { #expect(try await inbox.next() == part) }
        inbox.finish(.success(()))
        #expect(try await inbox.next() == 3)
        #expect(try await inbox.next() == nil)
        continuation.finish()
        #expect(await credits.reduce(into: []) { $0.append($1) } == [200])
    }
}
