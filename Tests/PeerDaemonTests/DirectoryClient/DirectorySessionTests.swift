import Overlay
import Testing

@testable import PeerDaemon

@Suite("The session with a directory")
struct DirectorySessionTests {
    private static let one = "http://one:8000"
    private static let two = "http://two:8000"
    private static let accepted = DirectorySession.Outcome.accepted(
        lease: .seconds(60), isCurrent: true)

    private func session(_ urls: String..., heartbeat: Duration = .seconds(30)) -> DirectorySession
    {
        DirectorySession(.init(urls: urls, heartbeat: heartbeat, seed: 7))
    }

    private func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

    /// The wait of a step; nil when it sends.
    private func wait(_ step: DirectorySession.Step) -> Duration? {
        if case .wait(let duration) = step.action { duration } else { nil }
    }

    @Test("Logs in, gives a sign of life each heartbeat, and looks for changes between")
    func life() {
        var session = session(Self.one)
        #expect(
            session.handle(.started, now: .zero).action
                == .send(.logIn(url: Self.one, .current)))
        let login = session.handle(.answered(Self.accepted), now: .zero)
        #expect(login == .init(action: .wait(.seconds(5)), report: .loggedIn(url: Self.one)))
        for second in stride(from: 5, through: 25, by: 5) {
            let step = session.handle(.waited(isListChanged: false), now: at(second))
            #expect(step == .init(action: .wait(.seconds(5)), report: nil))
        }
        #expect(
            session.handle(.waited(isListChanged: false), now: at(30)).action
                == .send(.heartbeat(url: Self.one)))
        #expect(
            session.handle(.answered(Self.accepted), now: at(30))
                == .init(action: .wait(.seconds(5)), report: nil))
        #expect(session.status == .loggedIn(url: Self.one, .current, since: .zero))
    }

    @Test("A change is told before the heartbeat; another list is sent whole")
    func list() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        let login = session.handle(
            .answered(.accepted(lease: nil, isCurrent: false)), now: .zero)
        #expect(
            login
                == .init(
                    action: .send(.list(url: Self.one)), report: .loggedIn(url: Self.one)))
        _ = session.handle(.answered(Self.accepted), now: .zero)
        #expect(
            session.handle(.waited(isListChanged: true), now: at(5)).action
                == .send(.heartbeat(url: Self.one)))
        #expect(
            session.handle(.answered(.listWanted), now: at(5)).action
                == .send(.list(url: Self.one)))
        // A list that is not kept is a failure, not a reason to send it for ever.
        let refused = session.handle(.answered(.listWanted), now: at(5))
        #expect(wait(refused) != nil)
        #expect(refused.report != nil)
    }

    @Test("Half a lease is the longest between two signs of life")
    func lease() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        _ = session.handle(
            .answered(.accepted(lease: .seconds(4), isCurrent: true)), now: .zero)
        #expect(
            session.handle(.waited(isListChanged: false), now: at(2)).action
                == .send(.heartbeat(url: Self.one)))
    }

    @Test("A token that is not known any more is replaced, one that never was is a failure")
    func token() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        _ = session.handle(.answered(Self.accepted), now: .zero)
        _ = session.handle(.waited(isListChanged: true), now: at(5))
        #expect(
            session.handle(.answered(.tokenUnknown), now: at(5)).action
                == .send(.logIn(url: Self.one, .current)))
        _ = session.handle(.answered(.accepted(lease: nil, isCurrent: false)), now: at(5))
        #expect(wait(session.handle(.answered(.tokenUnknown), now: at(5))) != nil)
    }

    @Test("The original's directory gets a login each heartbeat, and no change before")
    func original() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        #expect(
            session.handle(.answered(.notFound), now: .zero).action
                == .send(.logIn(url: Self.one, .original)))
        let login = session.handle(
            .answered(.accepted(lease: nil, isCurrent: true)), now: .zero)
        #expect(login.report == .loggedIn(url: Self.one))
        #expect(wait(session.handle(.waited(isListChanged: true), now: at(5))) == .seconds(5))
        #expect(
            session.handle(.waited(isListChanged: false), now: at(30)).action
                == .send(.logIn(url: Self.one, .original)))
        let again = session.handle(
            .answered(.accepted(lease: nil, isCurrent: true)), now: at(30))
        #expect(again.report == nil)
        #expect(session.status == .loggedIn(url: Self.one, .original, since: .zero))
    }

    @Test("What is no directory in either dialect is asked in the first again")
    func noDirectory() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        _ = session.handle(.answered(.notFound), now: .zero)
        let step = session.handle(.answered(.notFound), now: .zero)
        #expect(
            step.report == .away(reason: "\(Self.one) is no directory", isRefusal: false))
        #expect(
            session.handle(.waited(isListChanged: false), now: at(2)).action
                == .send(.logIn(url: Self.one, .current)))
    }

    @Test("Directories are tried in turn, and the wait comes after the last")
    func turns() {
        var session = session(Self.one, Self.two)
        _ = session.handle(.started, now: .zero)
        let first = session.handle(
            .answered(.failed("is away", retryAfter: nil)), now: .zero)
        #expect(first == .init(action: .send(.logIn(url: Self.two, .current)), report: nil))
        let second = session.handle(
            .answered(.failed("is away", retryAfter: nil)), now: .zero)
        #expect(
            second.report
                == .away(
                    reason: "\(Self.one) is away; \(Self.two) is away", isRefusal: false))
        _ = session.handle(.waited(isListChanged: false), now: at(2))
        _ = session.handle(.answered(.failed("is away", retryAfter: nil)), now: at(2))
        _ = session.handle(.answered(Self.accepted), now: at(2))
        // The one that it was in is lost: the other is asked at once, and nothing is reported.
        _ = session.handle(.waited(isListChanged: true), now: at(7))
        let lost = session.handle(
            .answered(.failed("is away", retryAfter: nil)), now: at(7))
        #expect(lost == .init(action: .send(.logIn(url: Self.one, .current)), report: nil))
    }

    @Test("Waits double up to two heartbeats, a quarter more or less, and absence is told once")
    func backOff() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        var reports = 0
        for expected in [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60] {
            let step = session.handle(
                .answered(.failed("is away", retryAfter: nil)), now: .zero)
            if step.report != nil { reports += 1 }
            let range = Duration.milliseconds(750 * expected)...(.milliseconds(1250 * expected))
            #expect(wait(step).map { range.contains($0) } == true, "\(expected)")
            _ = session.handle(.waited(isListChanged: false), now: .zero)
        }
        #expect(reports == 1)
        #expect(
            session.handle(.answered(Self.accepted), now: .zero).report
                == .loggedIn(url: Self.one))
    }

    @Test("A directory that says when to come again is believed, and not for ever")
    func retryAfter() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        let step = session.handle(
            .answered(.failed("is busy", retryAfter: .seconds(20))), now: .zero)
        #expect(wait(step).map { (.seconds(15)...(.seconds(25))).contains($0) } == true)
        _ = session.handle(.waited(isListChanged: false), now: .zero)
        let long = session.handle(
            .answered(.failed("is busy", retryAfter: .seconds(86_400))), now: .zero)
        #expect(wait(long).map { $0 <= .seconds(375) } == true)
    }

    @Test("Who is refused waits for the longest, and the operator is told so")
    func refused() {
        var session = session(Self.one)
        _ = session.handle(.started, now: .zero)
        let step = session.handle(.answered(.refused("says no")), now: .zero)
        #expect(step.report == .away(reason: "\(Self.one) says no", isRefusal: true))
        #expect(wait(step).map { $0 >= .seconds(45) } == true)
    }
}
