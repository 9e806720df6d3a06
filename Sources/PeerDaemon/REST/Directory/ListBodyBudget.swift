import Locking

/// Bytes of lists that may be in memory while they arrive, over all connections: one of the
/// largest, or many of the usual ones.
final class ListBodyBudget: Sendable {
    private let left: Locked<Int>

    init(bytes: Int) {
        left = Locked(bytes)
    }

    /// - Returns: False when so many are not left; the peer has to come again.
    func take(_ bytes: Int) -> Bool {
        left.withLock { left in
            guard bytes <= left else { return false }
            left -= bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) {
        left.withLock { $0 += bytes }
    }
}
