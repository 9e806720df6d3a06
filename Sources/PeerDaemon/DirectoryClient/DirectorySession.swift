import Overlay

/// Decides when this peer logs in to which directory, when it gives a sign of life, and how long
/// it waits when there is none.
///
/// Pure: answers and the end of waits come in, one action at a time goes out; the caller performs
/// it and tells what came of it. Time and randomness are the caller's.
///
/// Directories are tried in turn, beginning with the one that was left last. A round in which none
/// took the peer is followed by a wait that doubles from round to round, with jitter, so that the
/// peers of a directory that returns do not come all at once.
struct DirectorySession: Sendable {
    struct Configuration: Sendable {
        /// REST base URLs, at least one.
        var urls: [String]
        /// Between two signs of life; shorter where the directory's lease asks for it.
        var heartbeat: Duration
        var seed: UInt64
    }

    /// What a directory speaks.
    enum Dialect: Sendable {
        /// `/v1/directory/`.
        case current
        /// SEED-API.md A: whole list and password in the query of each sign of life.
        case original
    }

    enum Request: Equatable, Sendable {
        case logIn(url: String, Dialect)
        /// With what has changed, where something has.
        case heartbeat(url: String)
        /// The whole list.
        case list(url: String)
    }

    enum Outcome: Equatable, Sendable {
        /// - Parameters:
        ///   - lease: As the directory told it.
        ///   - isCurrent: Whether it has this peer's list.
        case accepted(lease: Duration?, isCurrent: Bool)
        /// It holds another list than this peer thought.
        case listWanted
        case tokenUnknown
        /// It has no such resource.
        case notFound
        /// Its answer to the name and the password.
        case refused(String)
        /// It did not answer, or not as a directory does.
        case failed(String, retryAfter: Duration?)
    }

    enum Event: Equatable, Sendable {
        case started
        /// The wait is over.
        case waited(isListChanged: Bool)
        case answered(Outcome)
    }

    enum Action: Equatable, Sendable {
        case send(Request)
        case wait(Duration)
    }

    /// What an operator is told, once for each time that it changes.
    enum Report: Equatable, Sendable {
        case loggedIn(url: String)
        /// No directory takes this peer; reasons by URL.
        case away(reason: String, isRefusal: Bool)
    }

    struct Step: Equatable, Sendable {
        var action: Action
        var report: Report?
    }

    /// For people and searches.
    enum Status: Equatable, Sendable {
        case connecting
        case loggedIn(url: String, Dialect, since: Instant)
        case away(reason: String, since: Instant)
    }

    /// Waits between rounds, in this range whatever the heartbeat (guess).
    private static let backOff = Duration.milliseconds(50)...Duration.seconds(300)
    private static let jitterPercent = 25
    /// A change of the list is told after a part of the heartbeat, so that it is found soon and
    /// a scan does not bring a request a second (guess).
    private static let changeParts = 6

    /// At which directory, and since when.
    private struct Place: Equatable {
        var number: Int
        var since: Instant
        /// Whether a sign of life was taken since the login.
        var isProved = false
    }

    private enum State {
        case idle
        case loggingIn(number: Int)
        /// A sign of life or the list is on its way.
        case renewing(Place, isList: Bool)
        /// Logged in, until the next sign of life.
        case resting(Place, next: Instant)
        /// No directory took this peer; `number` is next.
        case away(number: Int)
    }

    private let configuration: Configuration
    private var dialects: [Dialect]
    private var random: SplitMix64
    private var state = State.idle
    /// Of this round; one for each directory tried.
    private var failures: [String] = []
    private var isRefusal = false
    private var retryAfter = Duration.zero
    /// Rounds without success, one after the other.
    private var rounds = 0
    private(set) var status = Status.connecting

    init(_ configuration: Configuration) {
        precondition(!configuration.urls.isEmpty, "a session needs a directory")
        self.configuration = configuration
        dialects = configuration.urls.map { _ in .current }
        random = SplitMix64(seed: configuration.seed)
    }

    mutating func handle(_ event: Event, now: Instant) -> Step {
        switch (state, event) {
        case (.idle, .started): return logIn(0)
        case (.away(let number), .waited): return logIn(number)
        case (.resting(let place, let next), .waited(let isListChanged)):
            return wake(place, next, isListChanged: isListChanged, now: now)
        case (.loggingIn(let number), .answered(let outcome)):
            return loginAnswered(number, outcome, now: now)
        case (.renewing(let place, let isList), .answered(let outcome)):
            return renewalAnswered(place, isList: isList, outcome, now: now)
        case (.idle, _), (.away, _), (.resting, _), (.loggingIn, _), (.renewing, _):
            preconditionFailure("\(event) in \(state)")
        }
    }

    // MARK: - Logging in

    private mutating func logIn(_ number: Int) -> Step {
        state = .loggingIn(number: number)
        return Step(
            action: .send(.logIn(url: configuration.urls[number], dialects[number])), report: nil)
    }

    private mutating func loginAnswered(
        _ number: Int, _ outcome: Outcome, now: Instant
    ) -> Step {
        switch outcome {
        case .accepted(let lease, let isCurrent):
            let place = Place(number: number, since: now)
            (failures, rounds, isRefusal, retryAfter) = ([], 0, false, .zero)
            let url = configuration.urls[number]
            status = .loggedIn(url: url, dialects[number], since: now)
            var step = isCurrent ? rest(place, lease: lease, now: now) : sendList(place)
            step.report = .loggedIn(url: url)
            return step
        case .notFound where dialects[number] == .current:
            dialects[number] = .original
            return logIn(number)
        case .notFound:
            // Perhaps it is none now, and will be one of ours.
            dialects[number] = .current
            return fail(number, "is no directory", now: now)
        case .refused(let reason):
            isRefusal = true
            return fail(number, reason, now: now)
        case .failed(let reason, let delay):
            return fail(number, reason, retryAfter: delay, now: now)
        case .listWanted, .tokenUnknown:
            return fail(number, "sent an answer that is none to a login", now: now)
        }
    }

    // MARK: - Staying

    private mutating func wake(
        _ place: Place, _ next: Instant, isListChanged: Bool, now: Instant
    ) -> Step {
        let url = configuration.urls[place.number]
        let isOriginal = dialects[place.number] == .original
        guard now >= next || (isListChanged && !isOriginal) else {
            state = .resting(place, next: next)
            return Step(action: .wait(nap(until: next, now: now)), report: nil)
        }
        state = .renewing(place, isList: false)
        return Step(
            action: .send(isOriginal ? .logIn(url: url, .original) : .heartbeat(url: url)),
            report: nil)
    }

    private mutating func renewalAnswered(
        _ place: Place, isList: Bool, _ outcome: Outcome, now: Instant
    ) -> Step {
        var proved = place
        proved.isProved = true
        switch outcome {
        case .accepted(let lease, isCurrent: true):
            return rest(proved, lease: lease, now: now)
        case .accepted(_, isCurrent: false), .listWanted:
            guard isList else { return sendList(proved) }
            return fail(place.number, "does not keep this peer's list", now: now)
        case .tokenUnknown where place.isProved:
            return logIn(place.number)
        case .tokenUnknown:
            return fail(place.number, "does not know its own token", now: now)
        case .notFound:
            return fail(place.number, "is no directory any more", now: now)
        case .refused(let reason):
            isRefusal = true
            return fail(place.number, reason, now: now)
        case .failed(let reason, let delay):
            return fail(place.number, reason, retryAfter: delay, now: now)
        }
    }

    private mutating func sendList(_ place: Place) -> Step {
        state = .renewing(place, isList: true)
        return Step(action: .send(.list(url: configuration.urls[place.number])), report: nil)
    }

    private mutating func rest(_ place: Place, lease: Duration?, now: Instant) -> Step {
        // Half a lease: one lost sign of life costs nothing.
        let heartbeat = min(
            lease.map { $0 / 2 } ?? configuration.heartbeat, configuration.heartbeat)
        let next = now + max(heartbeat, Self.backOff.lowerBound)
        // A token that comes from before this rest has worked for as long.
        var place = place
        place.isProved = true
        state = .resting(place, next: next)
        return Step(action: .wait(nap(until: next, now: now)), report: nil)
    }

    /// Until it is looked again whether the list has changed.
    private func nap(until next: Instant, now: Instant) -> Duration {
        min(max(configuration.heartbeat / Self.changeParts, .milliseconds(10)), next - now)
    }

    // MARK: - Failing

    private mutating func fail(
        _ number: Int, _ reason: String, retryAfter delay: Duration? = nil, now: Instant
    ) -> Step {
        failures.append("\(configuration.urls[number]) \(reason)")
        retryAfter = max(retryAfter, delay ?? .zero)
        let next = (number + 1) % configuration.urls.count
        guard failures.count >= configuration.urls.count else { return logIn(next) }
        let report = noteAbsence(now: now)
        let wait = random.jitter(delayAfterRound(), percent: Self.jitterPercent)
        (failures, isRefusal, retryAfter) = ([], false, .zero)
        rounds += 1
        state = .away(number: next)
        return Step(action: .wait(wait), report: report)
    }

    /// - Returns: What to report: that it went, and nothing while it stays away.
    private mutating func noteAbsence(now: Instant) -> Report? {
        let reason = failures.joined(separator: "; ")
        if case .away(_, let since) = status {
            status = .away(reason: reason, since: since)
            return nil
        }
        status = .away(reason: reason, since: now)
        return .away(reason: reason, isRefusal: isRefusal)
    }

    /// From a thirtieth of the heartbeat (1 s of 30) to two heartbeats; who was refused waits for
    /// the longest, since a directory counts failed logins.
    private func delayAfterRound() -> Duration {
        let range = Self.backOff
        let longest = min(max(configuration.heartbeat * 2, range.lowerBound), range.upperBound)
        if isRefusal { return longest }
        let first = max(configuration.heartbeat / 30, range.lowerBound)
        let delay = rounds < 10 ? first * (1 << rounds) : longest
        return min(max(min(delay, longest), retryAfter), range.upperBound)
    }
}
