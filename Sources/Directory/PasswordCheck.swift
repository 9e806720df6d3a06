/// Decides whether a password is an account's, at a bounded cost.
final class PasswordCheck: Sendable {
    enum Outcome: Equatable {
        case right
        /// Right, and the stored hash should be replaced by this one.
        case rightButOutdated(PasswordHash)
        case wrong
    }

    /// Each waits up to a second or two; beyond that a client had better come again.
    private static let waitingMax = 64

    private let algorithm: Argon2id
    private let verified = VerifiedPasswords()
    /// One hash at a time: its memory is all that passwords cost.
    private let lane = WorkLane(label: "directory.passwords", lineMax: waitingMax)
    /// What the password of an unknown account is compared with, so that it takes as long.
    private let stranger: PasswordHash

    init(algorithm: Argon2id) throws(Argon2id.Failure) {
        self.algorithm = algorithm
        guard let unguessable = Password(SessionToken().string) else { throw .unavailable }
        stranger = try algorithm.hash(unguessable)
    }

    /// - Throws: ``WorkLane/Full``, ``Argon2id/Failure``.
    func hash(_ password: Password) async throws -> PasswordHash {
        try await lane.run { [algorithm] in try algorithm.hash(password) }
    }

    /// - Parameter account: nil when there is none of that name.
    /// - Throws: ``WorkLane/Full``, ``Argon2id/Failure``.
    func check(_ password: Password, of account: Account?, source: String) async throws -> Outcome {
        if let account, verified.holds(password, of: account) {
            verified.insert(password, of: account, source: source)
            return .right
        }
        let hash = account?.passwordHash ?? stranger
        let outcome = try await lane.run { [algorithm] () throws -> Outcome in
            guard try Argon2id.verify(password, against: hash) else { return .wrong }
            guard algorithm.isOutdated(hash) else { return .right }
            return .rightButOutdated(try algorithm.hash(password))
        }
        guard let account, outcome != .wrong else { return .wrong }
        verified.insert(password, of: account, source: source)
        return outcome
    }

    func isFamiliar(_ source: String, of account: String) -> Bool {
        verified.isFamiliar(source, of: account)
    }

    func forget(_ account: String) {
        verified.remove(account)
    }
}
