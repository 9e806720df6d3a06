import Crypto
import Locking
import NIOCore

/// The SHA-256 of a whole file whose pieces come in any order, computed while they come: what is
/// next in the file is taken from memory where it has just come, and else read from the disk.
final class WholeDigest: Sendable {
    /// Pieces that wait in memory for those before them; the others are read again. Fewer than a download
    /// may hold, so that the one they wait for has a place.
    private static let keptMax = 16

    /// A piece in memory.
    private struct Kept {
        let chunks: [ByteBuffer]
        /// Gives its place back.
        let release: @Sendable () -> Void
    }

    private struct State {
        var layout = PieceLayout(size: 0)
        var stored = PieceSet(pieceCount: 0)
        /// Changes when all begins anew.
        var generation = 0
        var next = 0
        var kept: [Int: Kept] = [:]
        var isWanted = false
        /// Nobody hashes any more.
        var isEnded = false

        mutating func dropKept() -> [Kept] {
            defer { kept = [:] }
            return Array(kept.values)
        }
    }

    private enum Step {
        case hash(piece: Int, generation: Int, range: Range<Int64>, [ByteBuffer]?)
        case report(generation: Int)
        case wait
    }

    private let destination: any FetchDestination
    private let state = Locked(State())
    private let signal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    init(destination: any FetchDestination) {
        self.destination = destination
    }

    /// Begins anew, with these pieces on the disk.
    func reset(_ layout: PieceLayout, stored: PieceSet) {
        let dropped = state.withLock { state in
            state.layout = layout
            state.stored = stored
            state.generation += 1
            state.next = 0
            state.isWanted = false
            return state.dropKept()
        }
        for kept in dropped { kept.release() }
        signal.continuation.yield()
    }

    /// A piece is on the disk from now on.
    ///
    /// - Parameter release: Called once, when its bytes are needed in memory no more.
    func add(_ piece: Int, _ chunks: [ByteBuffer], release: @escaping @Sendable () -> Void) {
        let isKept = state.withLock { state in
            guard piece < state.layout.pieceCount else { return false }
            state.stored.insert(piece)
            guard !state.isEnded, piece >= state.next, piece - state.next < Self.keptMax,
                state.kept[piece] == nil
            else { return false }
            state.kept[piece] = Kept(chunks: chunks, release: release)
            return true
        }
        if !isKept { release() }
        signal.continuation.yield()
    }

    /// All pieces are there: the digest is to be told when it is done.
    func want() {
        state.withLock { $0.isWanted = true }
        signal.continuation.yield()
    }

    /// Hashes what comes until it is cancelled.
    ///
    /// - Parameter report: Is told the digest each time that it was wanted, 64 hexadecimal digits.
    /// - Throws: What the destination throws when it is read.
    func run(report: (String) -> Void) async throws {
        defer { end() }
        var hasher = SHA256()
        var generation = 0
        for await _ in signal.stream {
            work: while !Task.isCancelled {
                switch nextStep() {
                case .wait: break work
                case .report(let now):
                    if now != generation { hasher = SHA256() }
                    generation = now
                    report(hasher.finalize().map { hexadecimal($0) }.joined())
                case .hash(let piece, let now, let range, let chunks):
                    if now != generation { hasher = SHA256() }
                    generation = now
                    hasher = try await hash(range, chunks, into: hasher)
                    advance(beyond: piece, of: now)
                }
            }
        }
    }

    /// Who waits for the place of a piece must not wait for a hash that nobody makes.
    private func end() {
        let dropped = state.withLock { state in
            state.isEnded = true
            return state.dropKept()
        }
        for kept in dropped { kept.release() }
    }

    private func nextStep() -> Step {
        state.withLock { state in
            let next = state.next
            guard next < state.layout.pieceCount else {
                defer { state.isWanted = false }
                return state.isWanted ? .report(generation: state.generation) : .wait
            }
            guard state.stored.contains(next) else { return .wait }
            return .hash(
                piece: next, generation: state.generation, range: state.layout.bytes(of: next),
                state.kept[next]?.chunks)
        }
    }

    private func advance(beyond piece: Int, of generation: Int) {
        let hashed = state.withLock { state -> Kept? in
            guard state.generation == generation else { return nil }
            state.next = piece + 1
            return state.kept.removeValue(forKey: piece)
        }
        hashed?.release()
    }

    private func hash(
        _ range: Range<Int64>, _ chunks: [ByteBuffer]?, into hasher: SHA256
    ) async throws -> SHA256 {
        try await offCooperativePool { [destination] in
            var hasher = hasher
            guard let chunks else {
                var buffer = [UInt8](repeating: 0, count: range.count)
                let count = try destination.read(into: &buffer, at: range.lowerBound)
                hasher.update(data: buffer[..<count])
                return hasher
            }
            for chunk in chunks { hasher.update(chunk.readableBytesSpan) }
            return hasher
        }
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
