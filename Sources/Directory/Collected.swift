import Locking

/// What a transaction did in memory, kept outside of it so that it can be undone when the commit
/// fails.
final class Collected<Element: Sendable>: Sendable {
    private let storage = Locked<[Element]>([])

    var elements: [Element] { storage.withLock { $0 } }

    func append(_ element: Element) {
        storage.withLock { $0.append(element) }
    }
}
