import Locking
import Logging
import RootedFiles

/// The manifests of the files that are shared here: made when first asked for, kept in a
/// ``TransferStore``, and sent page by page while they are made.
///
/// Those who ask for the same file at the same time share the work: one of them hashes the next
/// pieces, the others wait for it; if it goes, another goes on where it stopped.
package final class Manifests: Sendable {
    /// Files that are described at once; more only make each slower, and are told to come again.
    static let worksMax = 8

    package enum Failure: Error, Hashable, CustomStringConvertible {
        case busy
        /// It was written to meanwhile.
        case changed(path: String)

        package var description: String {
            switch self {
            case .busy: "\(Manifests.worksMax) manifests are being made already; try again"
            case .changed(let path): "\(path) changed while its manifest was made; try again"
            }
        }
    }

    private struct Work {
        let status: FileStatus
        var digests: [UInt8] = []
        var isLed = false
        /// Callers that are in it now.
        var users = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private struct State {
        var works: [Int: Work] = [:]
        var nextWork = 0
    }

    private enum Step {
        case send([UInt8])
        case lead(from: Int)
        case wait
    }

    private let store: TransferStore
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let state = Locked(State())

    /// - Parameters:
    ///   - store: What it cannot keep is made again.
    ///   - now: Unix time in seconds.
    package init(store: TransferStore, logger: Logger, now: @escaping @Sendable () -> Int64) {
        self.store = store
        self.logger = logger
        self.now = now
    }

    private func known(_ status: FileStatus) async -> [UInt8]? {
        do {
            return try await store.manifest(of: status, now: now())
        } catch {
            logger.info("a manifest cannot be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func keep(_ digests: [UInt8], of status: FileStatus) async {
        do {
            try await store.keep(digests, of: status, now: now())
        } catch {
            logger.info("a manifest cannot be kept", metadata: ["error": "\(error)"])
        }
    }

    /// Sends the manifest of `file`, as it is at the moment.
    ///
    /// - Throws: ``Failure``, `RootedFileError`, and what `onPage` throws.
    package func send(
        of file: OpenFile, onPage: (ManifestPage) async throws -> Void
    ) async throws {
        let status = try file.status()
        let layout = PieceLayout(size: status.size)
        if let known = await known(status) {
            return try await send(known, from: 0, layout, onPage)
        }
        let work = try join(status)
        defer { leave(work) }
        var sent = 0
        while sent < layout.pieceCount {
            switch next(work, sent: sent) {
            case .send(let digests):
                try await send(digests, from: sent, layout, onPage)
                sent += digests.count / Manifest.digestBytes
            case .lead(let piece):
                defer { stepDown(work) }
                try await hash(file, from: piece, layout, work)
            case .wait:
                await wait(for: work, beyond: sent)
            }
        }
        if sent == 0 { try await onPage(ManifestPage(size: 0, firstPiece: 0, digests: [])) }
    }

    private func send(
        _ digests: [UInt8], from first: Int, _ layout: PieceLayout,
        _ onPage: (ManifestPage) async throws -> Void
    ) async throws {
        let pageBytes = ManifestPage.digestsMax * Manifest.digestBytes
        for start in stride(from: 0, to: max(1, digests.count), by: pageBytes) {
            let page = digests[start..<min(start + pageBytes, digests.count)]
            try await onPage(
                ManifestPage(
                    size: layout.size, firstPiece: Int64(first + start / Manifest.digestBytes),
                    digests: Array(page)))
        }
    }

    /// Describes the next pieces, for all who wait; keeps the manifest when they are the last.
    private func hash(
        _ file: OpenFile, from first: Int, _ layout: PieceLayout, _ work: Int
    ) async throws {
        let last = min(first + PieceDigests.batchPieces, layout.pieceCount)
        let new = try await PieceDigests.of(Array(first..<last), layout: layout) { buffer, offset in
            try file.read(into: &buffer, at: offset)
        }
        guard let status = state.withLock({ $0.works[work]?.status }),
            try file.status().hasSameContent(as: status)
        else {
            forget(work)
            throw Failure.changed(path: file.path)
        }
        let digests = state.withLock { state in
            for digest in new { state.works[work]?.digests += digest }
            return last == layout.pieceCount ? state.works[work]?.digests : nil
        }
        if let digests { await keep(digests, of: status) }
    }

    // MARK: - Sharing the work

    private func join(_ status: FileStatus) throws(Failure) -> Int {
        let work: Int? = state.withLock { state in
            if let known = state.works.first(where: { $0.value.status.hasSameContent(as: status) })
            {
                state.works[known.key]?.users += 1
                return known.key
            }
            if state.works.count >= Self.worksMax {
                // One that nobody waits for any more makes room.
                let idle = state.works.filter { $0.value.users == 0 }.keys.min()
                guard let idle else { return nil }
                state.works[idle] = nil
            }
            state.nextWork += 1
            state.works[state.nextWork] = Work(status: status, users: 1)
            return state.nextWork
        }
        guard let work else { throw .busy }
        return work
    }

    private func leave(_ work: Int) {
        state.withLock { state in
            state.works[work]?.users -= 1
            guard let left = state.works[work], left.users == 0 else { return }
            let isComplete =
                left.digests.count
                == PieceLayout(size: left.status.size).pieceCount * Manifest.digestBytes
            // What is half done is kept for the next who asks.
            if isComplete { state.works[work] = nil }
        }
    }

    private func forget(_ work: Int) {
        state.withLock { state in
            let waiters = state.works[work]?.waiters ?? []
            state.works[work]?.waiters = []
            state.works[work]?.digests = []
            for waiter in waiters { waiter.resume() }
        }
    }

    private func next(_ work: Int, sent: Int) -> Step {
        state.withLock { state in
            guard let digests = state.works[work]?.digests else { return .wait }
            let sentBytes = sent * Manifest.digestBytes
            if digests.count > sentBytes { return .send(Array(digests[sentBytes...])) }
            guard state.works[work]?.isLed == false else { return .wait }
            state.works[work]?.isLed = true
            return .lead(from: digests.count / Manifest.digestBytes)
        }
    }

    private func stepDown(_ work: Int) {
        let waiters = state.withLock { state in
            defer { state.works[work]?.waiters = [] }
            state.works[work]?.isLed = false
            return state.works[work]?.waiters ?? []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Until the leader has something new, or has gone.
    private func wait(for work: Int, beyond sent: Int) async {
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                guard let now = state.works[work], now.isLed,
                    now.digests.count <= sent * Manifest.digestBytes
                else { return false }
                state.works[work]?.waiters.append(continuation)
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }
}
