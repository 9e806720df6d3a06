import HeapModule
import Overlay

/// Virtual time: events in order of their instant, and of their arrival where instants are equal.
struct EventQueue<Event> {
    private struct Entry: Comparable {
        let at: Instant
        let order: UInt64
        let event: Event

        static func < (left: Entry, right: Entry) -> Bool {
            (left.at, left.order) < (right.at, right.order)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.order == right.order }
    }

    private var heap: Heap<Entry> = []
    private var inserted: UInt64 = 0
    /// The instant of the event that was taken last.
    private(set) var now = Instant.zero

    var isEmpty: Bool { heap.isEmpty }
    var next: Instant? { heap.min?.at }

    /// Precondition: `at` is not in the past.
    mutating func insert(_ event: Event, at: Instant) {
        precondition(at >= now, "an event at \(at) comes too late, it is \(now)")
        inserted += 1
        heap.insert(Entry(at: at, order: inserted, event: event))
    }

    /// The next event, to which time moves on.
    mutating func pop() -> Event? {
        guard let entry = heap.popMin() else { return nil }
        now = entry.at
        return entry.event
    }
}
