/// Why a source gives nothing (more).
package struct FileSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// It will not give the file the next time either: not there, not allowed.
        case refused
        /// The connection, or a passing trouble of the peer.
        case failed
    }

    package let kind: Kind
    /// In words for the user.
    package let reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String { reason }
}

/// A peer that files can be read from: over gRPC in the daemon, from memory in tests.
package protocol FileSource: Sendable {
    /// Reads the file with this SHA-256 (64 hex digits), at `path` there, from `offset` to its
    /// end. Returns when `onChunk` has had all of it.
    ///
    /// A closure and not a sequence, because a gRPC response lives only inside its call. The next
    /// chunk is to be read after `onChunk` returned, which holds back a fast source.
    ///
    /// - Parameter onChunk: Takes the next bytes, at best 64 KiB to 1 MiB. When it throws, the
    ///   stream is to be ended and the error passed on.
    /// - Throws: ``FileSourceError``; any other error counts as `failed`. It must end soon when
    ///   its task is cancelled.
    func read(
        sha256: String, path: String, from offset: Int64,
        onChunk: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws
}
