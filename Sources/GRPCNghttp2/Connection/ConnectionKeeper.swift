import NIOCore

/// The clocks of one connection: keepalive on both sides; a server's limits on age, idleness and PINGs.
///
/// Told what happens by its connection, and tells that what to do. Lives on the event loop.
final class ConnectionKeeper {
    struct Settings: Sendable {
        var keepalive: KeepaliveSettings?
        var permittedPings: PermittedPings?
        var age: ConnectionAge?
        var idleMax: Duration?
    }

    private let settings: Settings
    private let eventLoop: any EventLoop
    /// Unowned: the connection owns this, and stops it before it goes.
    private unowned let connection: HTTP2ConnectionHandler
    private var keepalive: Keepalive?
    private var pings: PingPolicy?
    private var idleSince: NIODeadline?
    private var keepaliveTimer: Scheduled<Void>?
    private var ageTimer: Scheduled<Void>?
    private var idleTimer: Scheduled<Void>?

    init(_ settings: Settings, connection: HTTP2ConnectionHandler, eventLoop: any EventLoop) {
        self.settings = settings
        self.connection = connection
        self.eventLoop = eventLoop
        let now = NIODeadline.now()
        keepalive = settings.keepalive.map { Keepalive($0, now: now) }
        pings = settings.permittedPings.map { PingPolicy($0) }
        idleSince = now
    }

    func start() {
        keep()
        if let age = settings.age { startAging(age) }
        if let idleMax = settings.idleMax { lookForIdleness(TimeAmount(idleMax)) }
    }

    func stop() {
        for timer in [keepaliveTimer, ageTimer, idleTimer] { timer?.cancel() }
    }

    // MARK: - What happens

    func bytesReceived() {
        keepalive?.bytesReceived(now: .now())
    }

    func framesSent() {
        pings?.framesSent()
    }

    /// - Returns: Whether this PING is one too many.
    func pingReceived() -> Bool {
        pings?.pingReceived(now: .now(), hasCalls: connection.hasStreams) ?? false
    }

    func streamOpened() {
        idleSince = nil
    }

    func streamClosed() {
        if !connection.hasStreams { idleSince = .now() }
    }

    // MARK: - Clocks

    private func keep() {
        guard let step = keepalive?.due(now: .now(), hasCalls: connection.hasStreams) else {
            return
        }
        switch step {
        case .wait(let deadline):
            keep(at: deadline)
        case .ping(let deadline):
            connection.ping()
            keep(at: deadline)
        case .close:
            connection.close()
        }
    }

    private func keep(at deadline: NIODeadline) {
        keepaliveTimer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.keep() }
    }

    private func startAging(_ age: ConnectionAge) {
        // Connections that began together shall not end together (gRFC A9).
        let maximum = TimeAmount(age.maximum * .random(in: 0.9...1.1))
        ageTimer = after(maximum) {
            self.connection.drain()
            guard let grace = age.grace else { return }
            self.ageTimer = self.after(TimeAmount(grace)) { self.connection.close() }
        }
    }

    private func lookForIdleness(_ limit: TimeAmount) {
        let now = NIODeadline.now()
        let since = idleSince ?? now
        if idleSince != nil, now >= since + limit {
            connection.drain()
        } else {
            idleTimer = after(since + limit - now) { self.lookForIdleness(limit) }
        }
    }

    private func after(_ delay: TimeAmount, _ body: @escaping () -> Void) -> Scheduled<Void> {
        eventLoop.assumeIsolated().scheduleTask(in: delay, body)
    }
}

/// How old a connection may become: clients spread anew over the servers of a name.
package struct ConnectionAge: Sendable, Equatable {
    /// Then the client is told to go elsewhere with its next call. A tenth more or less.
    package var maximum: Duration
    /// How long calls under way may take after that; nil: as long as they want.
    package var grace: Duration?

    package init(maximum: Duration, grace: Duration? = nil) {
        self.maximum = maximum
        self.grace = grace
    }
}
