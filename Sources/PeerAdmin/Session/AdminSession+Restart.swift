import AdminWire
import Glibc
import Varlink

extension AdminSession {
    /// How often a socket that is gone is looked for, in milliseconds.
    private static let retryMilliseconds: Int32 = 100

    /// Connects again to a daemon that went away. With socket units the kernel queues this; without, the
    /// socket is missing for a moment.
    ///
    /// - Parameter deadline: When to give up.
    func reconnected(
        until deadline: ContinuousClock.Instant
    ) throws(CommandFailure) -> AdminSession {
        while true {
            do throws(CommandFailure) {
                let session = try AdminSession(sockets: [socket], interrupt: interrupt)
                try session.awaitAnswer()
                return session
            } catch {
                guard error.status == .unavailable, ContinuousClock.now < deadline else {
                    throw error
                }
            }
            try pause(Self.retryMilliseconds)
        }
    }

    /// A process that is being killed still takes connections: only an answer proves that one serves.
    private func awaitAnswer() throws(CommandFailure) {
        do throws(CommandFailure) {
            let _: Admin.Status = try call("Status", action: "status")
        } catch {
            // A refusal is an answer.
            if error.status == .unavailable || error.status == .interrupted { throw error }
        }
    }

    /// - Throws: When the user interrupts.
    func pause(_ milliseconds: Int32) throws(CommandFailure) {
        var entry = pollfd(fd: interrupt ?? -1, events: Int16(POLLIN), revents: 0)
        // A signal that is none of ours only makes the pause shorter.
        if poll(&entry, 1, milliseconds) > 0 { throw CommandFailure(.interrupted, "interrupted") }
    }
}
