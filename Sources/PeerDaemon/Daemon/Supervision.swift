import Catalog
import GRPCCore
import LogMessages
import Logging
import PeerWire
import ServiceLifecycle
import SwiftProtobuf
import Systemd
import UnixSignals

/// Keeps the service manager informed, feeds its watchdog after looking through the daemon's own sockets,
/// and takes SIGHUP.
struct Supervision: Service {
    /// STATUS is sent at most this often.
    static let statusInterval = Duration.seconds(2)
    /// After READY, until the daemon does what it will go on doing (guess).
    static let startup = Duration.seconds(5)

    let notifier: Notifier
    let peer: Peer
    let links: PeerLinks
    let reloader: Reloader
    let sockets: PublicSockets
    let logger: Logger

    func run() async throws {
        notifier.ready(status: await statusText())
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await reloadOnHangup() }
                group.addTask { await tellStatus() }
                group.addTask { await feedWatchdog() }
                group.addTask {
                    if await sleep(Self.startup) { ProcessLimits.releaseStartupCode() }
                }
                // The four end when their task is cancelled, by the end of this one's wait.
                await gracefulShutdown()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            notifier.stopping(status: "draining")
            logger.report(.stopping)
        }
    }

    private func gracefulShutdown() async {
        do {
            try await ServiceLifecycle.gracefulShutdown()
        } catch {
            // Cancelled instead: the same end.
        }
    }

    private func reloadOnHangup() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            do {
                _ = try await reloader.reload()
            } catch {
                // Logged with its faults; the old configuration goes on.
            }
        }
    }

    // MARK: - Status

    private func tellStatus() async {
        var told = ""
        while !Task.isCancelled {
            let text = await statusText()
            if text != told { notifier.status(text) }
            told = text
            guard await sleep(Self.statusInterval) else { return }
        }
    }

    private func statusText() async -> String {
        let members = await peer.members()
        let alive = members.count { $0.state == .alive }
        let catalog = peer.catalog.status
        let totals = peer.catalog.totals
        let indexing: String =
            if catalog.state == .scanning {
                "scanning, \(totals.files) files"
            } else if totals.hashed < totals.files {
                "indexing \(totals.hashed * 100 / max(totals.files, 1)) %, \(totals.files) files"
            } else {
                "\(totals.files) files"
            }
        return "\(indexing), \(alive) of \(members.count) peers alive"
    }

    // MARK: - Watchdog

    /// A daemon whose ports do not answer is not fed, and the manager restarts it.
    private func feedWatchdog() async {
        guard let timeout = notifier.watchdogTimeout() else { return }
        while !Task.isCancelled {
            do {
                try await checkSelf(within: timeout / 4)
                notifier.watchdog()
            } catch {
                // A check that the stop has cut off says nothing.
                if Task.isCancelled { return }
                logger.report(.selfCheckFailed, ["error": "\(error)"])
            }
            guard await sleep(timeout / 3) else { return }
        }
    }

    private func checkSelf(within limit: Duration) async throws {
        try await links.rest.checkHealth(at: sockets.rest.ownAddress, timeout: limit)
        let health = Grpc_Health_V1_Health.Client(
            wrapping: try links.client(of: sockets.grpc.ownAddress))
        var options = CallOptions.defaults
        options.timeout = limit
        _ = try await health.check(Grpc_Health_V1_HealthCheckRequest(), options: options)
    }

    /// - Returns: False when the daemon stops.
    private func sleep(_ duration: Duration) async -> Bool {
        do {
            try await Task.sleep(for: duration)
            return true
        } catch {
            return false
        }
    }
}
