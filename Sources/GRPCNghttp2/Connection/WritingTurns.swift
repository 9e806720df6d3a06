import NIOCore
import NIOPosix

/// The connections of one event loop that have had their turn of writing, and have more to write.
///
/// An event loop runs tasks until none is left before it looks at its sockets. A connection that goes on by
/// another task would keep all others from being read for as long as its socket takes what it writes;
/// so all of them wait here, and go on when the loop has looked.
final class WritingTurns {
    private var waiting: [HTTP2ConnectionHandler] = []
    // Safe: no thread sees the value of another (NIOConcurrencyHelpers, ThreadSpecificVariable).
    nonisolated(unsafe) private static let perThread = ThreadSpecificVariable<WritingTurns>()

    /// Enough for the tasks that the turns have made, and little beside what a socket holds: the loop
    /// looks at its sockets when nothing is left to do before that.
    private static let pause = TimeAmount.microseconds(25)

    /// Those of the event loop whose thread this is.
    static var current: WritingTurns {
        if let turns = perThread.currentValue { return turns }
        let turns = WritingTurns()
        perThread.currentValue = turns
        return turns
    }

    /// Lets the connection write again when all others have had a turn, and what has come in was read.
    func wait(_ connection: HTTP2ConnectionHandler, on eventLoop: any EventLoop) {
        waiting.append(connection)
        if waiting.count == 1 { schedule(on: eventLoop) }
    }

    /// A pause that ends while there are still tasks is not seen by the sockets; when it has ended the tasks
    /// that the turns made are done, and the second one is.
    private func schedule(on eventLoop: any EventLoop) {
        eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
                self.takeTurns(on: eventLoop)
            }
        }
    }

    private func takeTurns(on eventLoop: any EventLoop) {
        let due = waiting
        // The next ones wait for a pause after the last of these.
        for connection in due { connection.takeTurn() }
        waiting.removeFirst(due.count)
        if !waiting.isEmpty { schedule(on: eventLoop) }
    }
}
