import Crypto
import Locking
import NIOCore

@testable import Transfer

/// A source with its bytes in memory that gives pieces, honest or not.
final class MemoryPieceSource: PieceSource {
    enum Manner: Sendable {
        case honest
        /// Gives other bytes for these pieces.
        case lies(Set<Int>)
        /// Gives other bytes for everything, and a manifest of them.
        case forges
        /// Its manifest is of another size, has gaps, or does not end.
        case malformedManifest(ManifestPage)
        case short
        /// Gives, for each piece, the bytes of the one before it.
        case shuffles
        /// Of a version that knows no manifests.
        case describesNothing
        /// Takes the call, and sends nothing.
        case silent
        case endless
        case refuses
        /// Gives so many pieces' bytes, then waits for its cancellation, which it tells beforehand.
        case waits(after: Int)
    }

    let bytes: [UInt8]
    let manner: Manner
    let ranges = Locked<[Range<Int64>]>([])
    let manifestCalls = Locked(0)
    private let sentBytes = Locked(0)
    let isWaiting = AsyncStream<Void>.makeStream()

    init(_ bytes: [UInt8], _ manner: Manner = .honest) {
        self.bytes = bytes
        self.manner = manner
    }

    /// Bytes that it was asked for.
    var askedBytes: Int { ranges.withLock { $0.reduce(0) { $0 + $1.count } } }

    private func given(_ range: Range<Int64>) -> [UInt8] {
        var slice = Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        switch manner {
        case .forges: slice = slice.map { ~$0 }
        case .shuffles:
            let start = (Int(range.lowerBound) + bytes.count - 1 << 20) % bytes.count
            slice = Array((bytes + bytes)[start..<start + range.count])
        case .lies(let pieces):
            for piece in pieces {
                let first = Int64(piece) << 20
                if range.contains(first) { slice[Int(first - range.lowerBound)] ^= 1 }
            }
        default: break
        }
        return slice
    }

    func manifest(
        sha256: String, path: String,
        onPage: @escaping @Sendable (ManifestPage) async throws -> Void
    ) async throws {
        manifestCalls.withLock { $0 += 1 }
        let layout = PieceLayout(size: Int64(bytes.count))
        switch manner {
        case .refuses, .describesNothing: throw FileSourceError(.refused, "not here")
        case .malformedManifest(let page):
            while true { try await onPage(page) }
        case .honest, .lies, .forges, .short, .shuffles, .silent, .endless, .waits: break
        }
        for piece in 0..<layout.pieceCount {
            let range = layout.bytes(of: piece)
            var slice = Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
            if case .forges = manner { slice = slice.map { ~$0 } }
            try await onPage(
                ManifestPage(
                    size: layout.size, firstPiece: Int64(piece),
                    digests: Array(SHA256.hash(data: slice))))
        }
    }

    func read(
        sha256: String, path: String, range: Range<Int64>,
        onChunk: @escaping @Sendable ([ByteBuffer]) async throws -> Void
    ) async throws {
        ranges.withLock { $0.append(range) }
        switch manner {
        case .refuses: throw FileSourceError(.refused, "not here")
        case .silent: return try await untilCancelled()
        default: break
        }
        var rest = given(range)[...]
        if case .short = manner { rest = rest.prefix(rest.count / 2) }
        while !rest.isEmpty {
            try Task.checkCancellation()
            if case .waits(let count) = manner, sentBytes.withLock({ $0 }) >= count << 20 {
                isWaiting.continuation.yield()
                return try await untilCancelled()
            }
            let count = min(rest.count, 100_000)
            sentBytes.withLock { $0 += count }
            try await onChunk([ByteBuffer(bytes: rest.prefix(100_000))])
            rest = rest.dropFirst(100_000)
        }
        if case .endless = manner {
            while true { try await onChunk([ByteBuffer(repeating: 0, count: 100_000)]) }
        }
    }

    /// A stream that nobody feeds ends with the cancellation.
    private func untilCancelled() async throws {
        let silence = AsyncStream<Void>.makeStream()
        for await _ in silence.stream {}
        try Task.checkCancellation()
    }
}
