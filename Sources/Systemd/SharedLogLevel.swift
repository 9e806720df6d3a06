import Logging
import Synchronization

/// The log level of the process: every handler made with it follows a change at once.
package final class SharedLogLevel: Sendable {
    /// Index into `Logger.Level.allCases`, which is ordered by severity.
    private let index: Atomic<Int>

    package init(_ level: Logger.Level) {
        index = Atomic(Self.index(of: level))
    }

    package var level: Logger.Level {
        get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int {
        guard let index = Logger.Level.allCases.firstIndex(of: level) else {
            preconditionFailure("\(level) is not among the levels of swift-log")
        }
        return index
    }
}
