import Glibc
import Synchronization

/// A Varlink service on local sockets.
///
///     let service = VarlinkService(
///         identity: identity, interfaces: [clock],
///         listeners: [try VarlinkListener(name: "admin", path: path, mode: 0o660)])
///     try await service.run()  // until the task is cancelled
///
/// It owns its listeners: what they made in the file system goes with the service.
package final class VarlinkService: Sendable {
    /// What one service takes before it refuses.
    package struct Limits: Sendable {
        /// Connections at once, over all listeners; one more is accepted and closed at once.
        package var connectionsMax = 64
        /// Bytes of a call. Raising it costs that much memory a connection.
        package var messageBytesMax = 1024 * 1024
        package var descriptorsMax = 8
        /// How long a reply may wait without the client reading any of it.
        package var stallLimit = Duration.seconds(30)
        /// How long calls may go on after ``run()`` was cancelled.
        package var drainLimit = Duration.seconds(5)

        package init() {}
    }

    /// What an operator may want to know of.
    package enum Event: Sendable, Equatable {
        case connectionRefused(listener: String, limit: Int)
        case connectionEnded(listener: String, ConnectionEnd)
        case acceptFailed(listener: String, SystemError)
    }

    private let interfaces: [String: any VarlinkInterface]
    private let listeners: [VarlinkListener]
    private let limits: Limits
    private let report: @Sendable (Event) -> Void
    private let connections = Atomic(0)

    /// - Parameter report: Called from any task; must not block.
    package init(
        identity: ServiceIdentity,
        interfaces: [any VarlinkInterface],
        listeners: [VarlinkListener],
        limits: Limits = Limits(),
        report: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        guard
            let own = ServiceInterface(
                identity: identity, others: interfaces.map(\.description))
        else { preconditionFailure("org.varlink.service has lost its name") }
        var byName: [String: any VarlinkInterface] = [own.description.name: own]
        for interface in interfaces {
            byName[interface.description.name] = interface
        }
        self.interfaces = byName
        self.listeners = listeners
        self.limits = limits
        self.report = report
    }

    /// Serves until the task is cancelled; then takes no more calls, and returns when those at work
    /// have ended or, after ``Limits/drainLimit``, been cancelled.
    ///
    /// - Throws: ``SystemError`` where it cannot start.
    package func run() async throws {
        let poller = try Poller()
        defer { poller.stop() }
        // Cancelling a task cancels its children at once, so calls that may drain are those of a
        // task beside this one, which does not end before it.
        let serving = Task { await serve(with: poller) }
        await withTaskCancellationHandler {
            await serving.value
        } onCancel: {
            poller.drain()
        }
    }

    private func serve(with poller: Poller) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for listener in self.listeners {
                        group.addTask { await self.accept(on: listener, poller) }
                    }
                }
            }
            group.addTask {
                _ = await poller.wait(for: 0, on: -1, endsOnDrain: true)
                // Ends early when every call has ended: the group is cancelled then.
                _ = await poller.wait(for: 0, on: -1, until: .now + self.limits.drainLimit)
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Takes connections until the service drains, and returns when they have ended.
    private func accept(on listener: VarlinkListener, _ poller: Poller) async {
        await withDiscardingTaskGroup { group in
            while true {
                let outcome = await poller.wait(
                    for: Int16(POLLIN), on: listener.descriptor.rawValue, endsOnDrain: true)
                guard case .ready = outcome else { return }
                do throws(SystemError) {
                    guard case .connection(let socket) = try listener.accept() else { continue }
                    guard admit(from: listener) else { continue }
                    group.addTask { await self.serve(socket, of: listener, poller) }
                } catch {
                    report(.acceptFailed(listener: listener.name, error))
                    // The connection still waits, so poll(2) would return at once.
                    _ = await poller.wait(
                        for: 0, on: -1, until: .now + .milliseconds(100), endsOnDrain: true)
                }
            }
        }
    }

    private func admit(from listener: VarlinkListener) -> Bool {
        let count = connections.add(1, ordering: .relaxed).newValue
        if count <= limits.connectionsMax { return true }
        connections.subtract(1, ordering: .relaxed)
        report(.connectionRefused(listener: listener.name, limit: limits.connectionsMax))
        return false
    }

    private func serve(
        _ socket: UnixSocket,
        of listener: VarlinkListener,
        _ poller: Poller
    ) async {
        defer { connections.subtract(1, ordering: .relaxed) }
        let connection = Connection(
            socket: socket, listener: listener.name, interfaces: interfaces,
            methods: interfaces.mapValues(\.description.methods), limits: limits, poller: poller)
        do {
            try await connection.serve()
        } catch {
            report(.connectionEnded(listener: listener.name, error))
        }
    }
}
