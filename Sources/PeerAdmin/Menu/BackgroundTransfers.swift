import CLinux
import Glibc
import Locking
import Varlink

/// Downloads and uploads that go on while the menu is used: each on a thread of its own, which
/// blocks on a connection of its own, at most ``activeMax`` at once.
final class BackgroundTransfers: Sendable {
    /// As many as the daemon runs.
    static let activeMax = 16

    enum Direction: Sendable {
        case download, upload
    }

    struct Transfer: Sendable {
        var direction: Direction
        var name: String
        /// The other peer.
        var peer: String
        /// Bytes moved.
        var moved = 0
        /// Bytes, once it is known.
        var size: Int?

        var percent: Int? {
            size.flatMap { $0 > 0 ? min(moved, $0) * 100 / $0 : nil }
        }
    }

    /// How one came out.
    struct Success: Sendable {
        var bytes: Int
        var milliseconds: Int
        /// Where the file is, or what the other peer said.
        var remark: String
    }

    struct Ended: Sendable {
        var transfer: Transfer
        var result: Result<Success, CommandFailure>
    }

    /// Tells how far it is, in bytes.
    typealias Report = @Sendable (_ moved: Int, _ size: Int?) -> Void
    typealias Work = @Sendable (Report) throws(CommandFailure) -> Success

    private struct State {
        var nextID = 0
        /// By the number under which it was started.
        var active: [Int: Transfer] = [:]
        var ended: [Ended] = []
    }

    private let state = Locked(State())
    /// Readable when a transfer has ended.
    let wakeup: OwnedDescriptor

    init() throws(SystemError) {
        let counter = clinux_event_counter()
        guard counter >= 0 else { throw SystemError("eventfd") }
        wakeup = OwnedDescriptor(owning: counter)
    }

    /// In the order in which they were started.
    var active: [Transfer] {
        state.withLock { $0.active.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Starts one; false where too many are under way, or the system gives no thread.
    func start(_ transfer: Transfer, _ work: @escaping Work) -> Bool {
        let id: Int? = state.withLock { state in
            guard state.active.count < Self.activeMax else { return nil }
            state.nextID += 1
            state.active[state.nextID] = transfer
            return state.nextID
        }
        guard let id else { return false }
        let isStarted = startThread { [self] in
            finish(id, run(id, work))
        }
        if !isStarted { state.withLock { $0.active[id] = nil } }
        return isStarted
    }

    /// What has ended since the last time, and how many are still under way.
    func takeEnded() -> (ended: [Ended], active: Int) {
        state.withLock { state in
            defer { state.ended = [] }
            return (state.ended, state.active.count)
        }
    }

    private func run(_ id: Int, _ work: Work) -> Result<Success, CommandFailure> {
        do throws(CommandFailure) {
            return .success(
                try work { moved, size in
                    self.state.withLock { state in
                        state.active[id]?.moved = moved
                        if let size { state.active[id]?.size = size }
                    }
                })
        } catch {
            return .failure(error)
        }
    }

    private func finish(_ id: Int, _ result: Result<Success, CommandFailure>) {
        state.withLock { state in
            if let transfer = state.active.removeValue(forKey: id) {
                state.ended.append(Ended(transfer: transfer, result: result))
            }
        }
        var one: UInt64 = 1
        // Fails only when the counter is full, and then it is readable anyway.
        _ = Glibc.write(wakeup.rawValue, &one, MemoryLayout<UInt64>.size)
    }
}

/// Runs `body` on a thread of its own, which ends with the process; false where there is none.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let work = Unmanaged.passRetained(ThreadBody(run: body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, nil,
        { context in
            guard let context else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, work.toOpaque())
    guard code == 0 else {
        work.release()
        return false
    }
    pthread_detach(thread)
    return true
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
