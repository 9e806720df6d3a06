import CSystemd
import Glibc

/// Tells the service manager how the service is doing, as `Type=notify-reload` and `Type=notify`
/// units expect it.
///
/// Every call is a no-op outside systemd: the address is the environment's `NOTIFY_SOCKET`.
/// Notifications are single datagrams, so calls may come from any task.
///
/// Source: sd_notify(3).
package struct Notifier: Sendable {
    /// What became of a notification. None of them is a reason to stop a service.
    package enum Outcome: Equatable, Sendable {
        case sent
        /// There is no `NOTIFY_SOCKET`: nobody asked.
        case unsupervised
        /// The manager's socket refused; `errno` as in sendmsg(2).
        case failed(errno: CInt)
    }

    /// The longest STATUS text sent, in UTF-8 bytes. systemctl shows one line of it.
    package static let statusBytesMax = 1024

    package init() {}

    /// The service answers; `status` is what `systemctl status` shows.
    @discardableResult
    package func ready(status: String? = nil) -> Outcome {
        send(["READY=1"] + (status.map { [Self.assignment(status: $0)] } ?? []))
    }

    /// What the service is doing now, for people.
    @discardableResult
    package func status(_ text: String) -> Outcome {
        send([Self.assignment(status: text)])
    }

    /// A reload begins; ``ready(status:)`` ends it.
    ///
    /// MONOTONIC_USEC tells the manager which reload request this answers (`Type=notify-reload`).
    @discardableResult
    package func reloading() -> Outcome {
        send(["RELOADING=1", "MONOTONIC_USEC=\(Self.monotonicMicroseconds())"])
    }

    @discardableResult
    package func stopping(status: String? = nil) -> Outcome {
        send(["STOPPING=1"] + (status.map { [Self.assignment(status: $0)] } ?? []))
    }

    /// Feeds the watchdog; due well within ``watchdogTimeout()``.
    @discardableResult
    package func watchdog() -> Outcome {
        send(["WATCHDOG=1"])
    }

    /// How long the manager waits for ``watchdog()`` before it kills the service, or nil when it
    /// does not watch this process. Feed it every half of that.
    ///
    /// Source: sd_watchdog_enabled(3): WATCHDOG_USEC, and WATCHDOG_PID naming this process.
    package func watchdogTimeout() -> Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    private func send(_ assignments: [String]) -> Outcome {
        let result = sd_notify(0, assignments.joined(separator: "\n"))
        if result > 0 { return .sent }
        return result == 0 ? .unsupervised : .failed(errno: -result)
    }

    /// A line feed would begin another assignment, so control characters become spaces.
    static func assignment(status: String) -> String {
        var line = "STATUS="
        for scalar in status.unicodeScalars {
            let shown: Unicode.Scalar = scalar.properties.generalCategory == .control ? " " : scalar
            guard line.utf8.count + UTF8.width(shown) <= "STATUS=".utf8.count + statusBytesMax
            else { break }
            line.unicodeScalars.append(shown)
        }
        return line
    }

    private static func monotonicMicroseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000
    }
}
