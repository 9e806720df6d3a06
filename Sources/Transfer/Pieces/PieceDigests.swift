import Crypto
import NIOCore
import RootedFiles

/// The SHA-256 of pieces of a file on this host's disk, computed on all cores.
///
/// In jobs of some 20 ms on the threads for blocking work, so that others get their turn between two.
enum PieceDigests {
    /// Pieces that one job reads, one after the other, into the same megabyte.
    static let jobPieces = 32
    /// Read at once by ``of(_:pieces:layout:read:)``'s callers that go through a whole file.
    static let batchPieces = jobPieces * System.coreCount

    /// What reads a file: `pread(2)` of an open file, or of a destination.
    typealias Read = @Sendable (_ buffer: inout [UInt8], _ offset: Int64) throws -> Int

    /// - Returns: 32 bytes for each of `pieces`, in order. Where the file is shorter than its layout, of
    ///   what is there.
    /// - Throws: What `read` throws; `CancellationError`.
    static func of(
        _ pieces: [Int], layout: PieceLayout, read: @escaping Read
    ) async throws -> [[UInt8]] {
        let jobs = stride(from: 0, to: pieces.count, by: jobPieces).map {
            Array(pieces[$0..<min($0 + jobPieces, pieces.count)])
        }
        return try await withThrowingTaskGroup(of: (Int, [[UInt8]]).self) { group in
            var results = [[[UInt8]]](repeating: [], count: jobs.count)
            for (number, job) in jobs.enumerated() {
                if number >= System.coreCount, let (done, digests) = try await group.next() {
                    results[done] = digests
                }
                try Task.checkCancellation()
                group.addTask {
                    (number, try await offCooperativePool { try hash(job, layout, read) })
                }
            }
            for try await (done, digests) in group { results[done] = digests }
            return results.flatMap { $0 }
        }
    }

    private static func hash(
        _ pieces: [Int], _ layout: PieceLayout, _ read: Read
    ) throws -> [[UInt8]] {
        var buffer = [UInt8](repeating: 0, count: Int(min(PieceLayout.pieceBytes, layout.size)))
        return try pieces.map { piece in
            let range = layout.bytes(of: piece)
            if buffer.count != range.count { buffer = Array(repeating: 0, count: range.count) }
            let count = try read(&buffer, range.lowerBound)
            var hasher = SHA256()
            hasher.update(data: buffer[..<count])
            return Array(hasher.finalize())
        }
    }
}
