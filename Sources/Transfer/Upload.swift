import Crypto
import Locking
import RootedFiles
import SystemPackage

/// Why an upload is not kept.
package enum UploadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name is taken; nothing is replaced.
    case alreadyExists(path: String)
    case oversized(path: String, bytesMax: Int64)
    /// There is, or soon would be, less room than uploads have to leave.
    case noRoom(directory: String, bytesMin: Int64)
    case disk(DiskError)

    package var description: String {
        switch self {
        case .alreadyExists(let path): "\(path): exists already"
        case .oversized(let path, let bytesMax):
            "\(path): is larger than \(bytesMax) bytes, the most that is taken here"
        case .noRoom(let directory, let bytesMin):
            "the disk of \(directory) is full: uploads leave \(bytesMin) bytes free on it"
        case .disk(let error): "\(error)"
        }
    }
}

/// One file that somebody sends here: received in the staging area, hashed while it is written, and
/// given its name in one atomic step when all of it is on the disk.
///
/// Blocking calls go to a thread pool. One call at a time.
package final class Upload: Sendable {
    package struct Limits: Hashable, Sendable {
        package var fileBytesMax: Int64
        package var freeBytesMin: Int64

        package init(fileBytesMax: Int64, freeBytesMin: Int64) {
            self.fileBytesMax = fileBytesMax
            self.freeBytesMin = freeBytesMin
        }
    }

    /// Bytes between two looks at the free room: a fraction of what is worth keeping free.
    static let roomCheckBytes: Int64 = 8 << 20

    private struct State {
        var hasher = SHA256()
        var count: Int64 = 0
        /// `count` at which the room is looked at next.
        var nextRoomCheck: Int64 = 0
    }

    private let root: RootedDirectory
    private let staging: StagingArea
    private let key: StagingArea.Key
    private let destination: StagedDestination
    private let limits: Limits
    private let state = Locked(State())

    package let name: RelativePath

    private init(root: RootedDirectory, name: RelativePath, limits: Limits) throws {
        self.root = root
        self.name = name
        self.limits = limits
        staging = try root.stagingArea()
        key = .upload()
        destination = StagedDestination(
            root: root, staging: staging, key: key, name: name, conflict: .refuse)
    }

    /// Begins an upload: nothing is to be seen under `name` yet.
    ///
    /// - Throws: ``UploadError``.
    package static func begin(
        _ name: RelativePath, in root: RootedDirectory, limits: Limits
    ) async throws -> Upload {
        try await offCooperativePool {
            try attempt(in: root) {
                let upload = try Upload(root: root, name: name, limits: limits)
                do {
                    try upload.checkRoom()
                    _ = try upload.destination.open()
                    return upload
                } catch {
                    // It may have been made before that failed.
                    upload.staging.abandon(upload.key)
                    throw error
                }
            }
        }
    }

    /// Bytes written.
    package var count: Int64 { state.withLock { $0.count } }

    /// Writes and hashes what comes next.
    ///
    /// - Throws: ``UploadError``; the upload is of no use then, see ``discard()``.
    package func append(_ chunks: [[UInt8]]) async throws {
        try await offCooperativePool { [self] in
            try Self.attempt(in: root) {
                for chunk in chunks { try write(chunk) }
            }
        }
    }

    private func write(_ chunk: [UInt8]) throws {
        // One caller at a time, so the lock is free but for a reader of `count`.
        var now = state.withLock { $0 }
        guard now.count + Int64(chunk.count) <= limits.fileBytesMax else {
            throw UploadError.oversized(path: name.string, bytesMax: limits.fileBytesMax)
        }
        if now.count >= now.nextRoomCheck {
            try checkRoom()
            now.nextRoomCheck = now.count + Self.roomCheckBytes
        }
        try destination.write(chunk.span.bytes, at: now.count)
        now.hasher.update(data: chunk)
        now.count += Int64(chunk.count)
        state.withLock { [now] in $0 = now }
    }

    private func checkRoom() throws {
        guard try staging.freeBytes() >= limits.freeBytesMin else {
            throw UploadError.noRoom(directory: root.path, bytesMin: limits.freeBytesMin)
        }
    }

    /// Gives the file its name. Bytes and name survive a crash when this returns.
    ///
    /// - Returns: Its SHA-256, 64 lower-case hexadecimal digits.
    /// - Throws: ``UploadError``; nothing is under the name then, but what was there before.
    package func publish() async throws -> String {
        try await offCooperativePool { [self] in
            try Self.attempt(in: root) { try destination.publish() }
            destination.close()
            return state.withLock { state in
                state.hasher.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                    .joined()
            }
        }
    }

    /// Gives the room back. For every upload that was begun and not published.
    ///
    /// - Throws: `RootedFileError`: what came stays until the next start.
    package func discard() async throws {
        try await offCooperativePool { [self] in
            try staging.remove(key)
            destination.close()
        }
    }

    /// Says in the words of an upload what went wrong beneath it.
    private static func attempt<Value>(
        in root: RootedDirectory, _ body: () throws -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch let error as RootedFileError where error.reason == .exists {
            throw UploadError.alreadyExists(path: error.path)
        } catch let error as RootedFileError {
            throw UploadError.disk(DiskError(place: root.path, cause: error))
        } catch FetchError.alreadyExists(let path) {
            throw UploadError.alreadyExists(path: path)
        } catch FetchError.disk(let error) {
            throw UploadError.disk(error)
        }
    }
}
