import HeapModule
import Overlay

/// Virtual time: events in order of their instant, and of their arrival where instants are equal.
///
/// The heap moves small keys alone; the events wait in places of their own, which are used again.
struct EventQueue<Event> {
    private struct Key: Comparable {
        let seconds: Int64
        let attoseconds: Int64
        let order: UInt64
        let place: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.seconds, left.attoseconds, left.order)
                < (right.seconds, right.attoseconds, right.order)
        }

        static func == (left: Key, right: Key) -> Bool { left.order == right.order }

        var instant: Instant {
            Instant(
                sinceStart: Duration(
                    secondsComponent: seconds, attosecondsComponent: attoseconds))
        }
    }

    private var heap: Heap<Key> = []
    private var events: [Event?] = []
    private var free: [Int] = []
    private var inserted: UInt64 = 0
    /// The instant of the event that was taken last.
    private(set) var now = Instant.zero

    var isEmpty: Bool { heap.isEmpty }
    var next: Instant? { heap.min?.instant }

    /// Precondition: `at` is not in the past.
    mutating func insert(_ event: Event, at: Instant) {
        precondition(at >= now, "an event at \(at) comes too late, it is \(now)")
        inserted += 1
        let (seconds, attoseconds) = at.sinceStart.components
        heap.insert(
            Key(
                seconds: seconds, attoseconds: attoseconds, order: inserted, place: keep(event)))
    }

    private mutating func keep(_ event: Event) -> Int {
        if let place = free.popLast() {
            events[place] = event
            return place
        }
        events.append(event)
        return events.count - 1
    }

    /// The next event, to which time moves on.
    mutating func pop() -> Event? {
        guard let key = heap.popMin() else { return nil }
        now = key.instant
        free.append(key.place)
        return events[key.place].take()
    }
}
