import Crypto
import Locking
import RootedFiles

/// The bytes that are there, and the state of their SHA-256: hashed as they are written, so that
/// they need not be read again.
///
/// Blocking calls go to NIO's thread pool for blocking work, never to the cooperative one.
final class FetchedBytes: Sendable {
    private struct State {
        var hasher = SHA256()
        var count: Int64 = 0
    }

    private let destination: any FetchDestination
    private let state = Locked(State())

    init(destination: any FetchDestination) {
        self.destination = destination
    }

    /// Bytes written and hashed.
    var count: Int64 { state.withLock { $0.count } }

    /// Lower-case hexadecimal digits of all bytes so far.
    var digest: String {
        state.withLock { state in
            state.hasher.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// Opens the destination and reads what is there, so that it is part of the hash.
    func open() async throws -> Int64 {
        let length = try await offPool { try $0.open() }
        try await rehash(to: length)
        return length
    }

    func reserve(_ size: Int64) async throws {
        try await offPool { try $0.reserve(size) }
    }

    /// Appends one batch.
    func write(_ batch: [[UInt8]]) async throws {
        try await offPool { destination in
            // One writer at a time (BatchQueue), so the lock is free but for a reader of `count`.
            var (hasher, count) = self.state.withLock { ($0.hasher, $0.count) }
            for chunk in batch {
                try destination.write(chunk.span.bytes, at: count)
                hasher.update(data: chunk)
                count += Int64(chunk.count)
            }
            self.state.withLock { $0 = State(hasher: hasher, count: count) }
        }
    }

    /// Cuts the bytes to the first `size`.
    func truncate(to size: Int64) async throws {
        try await offPool { try $0.truncate(to: size) }
        try await rehash(to: size)
    }

    func publish() async throws {
        try await offPool { try $0.publish() }
    }

    /// Gives back what nobody will need: all of it, or only what was reserved and not written.
    func giveRoomBack(all: Bool) async throws {
        try await offPool { all ? try $0.discard() : try $0.releaseReserve() }
        if all { state.withLock { $0 = State() } }
    }

    func diskError(_ cause: RootedFileError) -> FetchError {
        destination.diskError(cause)
    }

    func close() {
        destination.close()
    }

    /// Hashes the first `length` bytes anew, a piece for each use of a thread, so that others get
    /// their turn and a cancellation is noticed.
    private func rehash(to length: Int64) async throws {
        state.withLock { $0 = State() }
        while count < length {
            try Task.checkCancellation()
            let isAtEnd = try await offPool { destination in
                var (hasher, count) = self.state.withLock { ($0.hasher, $0.count) }
                var buffer = [UInt8](
                    repeating: 0, count: Int(min(Int64(8 << 20), length - count)))
                let read = try destination.read(into: &buffer, at: count)
                hasher.update(data: buffer[..<read])
                count += Int64(read)
                self.state.withLock { $0 = State(hasher: hasher, count: count) }
                return read == 0
            }
            if isAtEnd { return }
        }
    }

    /// Not ended by a cancellation: what was received is still written, at most three batches.
    private func offPool<Value: Sendable>(
        _ work: @escaping @Sendable (any FetchDestination) throws -> Value
    ) async throws -> Value {
        let destination = destination
        return try await offCooperativePool { try work(destination) }
    }
}
