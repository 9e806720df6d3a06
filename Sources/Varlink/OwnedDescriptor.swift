import Glibc
import Locking

/// A file descriptor with one owner: closed when the last reference goes, unless it was taken.
package final class OwnedDescriptor: Sendable {
    private let number: Locked<Int32?>

    /// Takes over `number`, which nobody else may close.
    package init(owning number: Int32) {
        self.number = Locked(number)
    }

    deinit {
        if let number = number.withLock({ $0 }) {
            _ = Glibc.close(number)
        }
    }

    /// The number, for system calls while this object is alive; -1 after ``take()``.
    package var rawValue: Int32 {
        number.withLock { $0 ?? -1 }
    }

    /// Hands the descriptor to the caller, who closes it. `nil` when it was taken before.
    package func take() -> Int32? {
        number.withLock { number in
            defer { number = nil }
            return number
        }
    }
}
