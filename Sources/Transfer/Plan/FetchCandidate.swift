/// A file at a peer that is said to have the SHA-256 that is wanted.
package struct FetchCandidate: Hashable, Sendable {
    /// Its name, for people.
    package let peer: String
    /// Its path there.
    package let path: String
    /// Bytes, as announced.
    package let size: Int64
    /// Tells it from all others: peers may have the same name.
    package let id: String

    /// - Parameter id: Of peer and path by default.
    package init(peer: String, path: String, size: Int64, id: String? = nil) {
        precondition(size >= 0, "\(peer) announces \(size) bytes of \(path)")
        self.id = id ?? "\(peer) \(path)"
        self.peer = peer
        self.path = path
        self.size = size
    }
}

/// How patient ``FetchPlan`` is.
package struct FetchConfiguration: Hashable, Sendable {
    /// Failures of one source in a row; more only delay the news that a source is gone.
    package var attemptsMax = 3
    /// The same where connecting failed, or the connection: a source that restarts is back by then. The
    /// pauses before the last attempt are 0.5 + 1 + 2 + 4 + 8 = 15.5 s.
    package var connectionAttemptsMax = 6
    /// So much received makes the failures before it forgotten: a long file may meet many.
    package var progressMin: Int64 = 16 << 20
    /// Before the second attempt; doubled for each further one, up to the maximum.
    package var backoffMin = Duration.milliseconds(500)
    package var backoffMax = Duration.seconds(30)
    /// A source that sends nothing for this long, and at most twice as long, has stalled.
    package var stallTimeout = Duration.seconds(15)

    package init() {}
}

/// Why one source did not give the file.
package enum FetchReason: Hashable, Sendable, CustomStringConvertible {
    /// The connection or the peer, in its words.
    case failed(String)
    case refused(String)
    case stalled
    case endedShort(missing: Int64)
    case sentTooMuch
    /// The bytes have another SHA-256.
    case mismatch
    /// It announces fewer bytes than others sent.
    case shorterThanReceived
    case notTried
    /// This piece does not fit the manifest.
    case badPiece(Int)
    /// What it gave is no manifest of the file that it announces.
    case badManifest
    /// All pieces fit its manifest, and the whole has another SHA-256.
    case manifestMismatch
    /// Did what it was asked, but does not have what is missing.
    case lacksPieces

    package var description: String {
        switch self {
        case .failed(let reason), .refused(let reason): reason
        case .stalled: "sent nothing any more"
        case .endedShort(let missing): "ended \(missing) bytes short"
        case .sentTooMuch: "sent more bytes than it announced"
        case .mismatch: "sent bytes with another SHA-256"
        case .shorterThanReceived: "announces fewer bytes than other sources sent"
        case .notTried: "was not tried"
        case .badPiece(let piece): "sent wrong bytes (piece \(piece))"
        case .badManifest: "sent no manifest of the file that it announces"
        case .manifestMismatch: "sent a manifest of other bytes"
        case .lacksPieces: "does not have the pieces that are missing"
        }
    }
}

/// One source's part in a failure.
package struct FetchFailure: Hashable, Sendable {
    package let peer: String
    package let path: String
    package let reason: FetchReason

    package init(peer: String, path: String, reason: FetchReason) {
        self.peer = peer
        self.path = path
        self.reason = reason
    }
}

/// How a fetch ended.
package enum FetchOutcome: Hashable, Sendable {
    /// Verified, and under its final name.
    case done
    /// Verified, but something has the name already; the bytes stay in the partial file.
    case alreadyExists
    /// Every source, and why it failed; the partial file stays.
    case sourcesFailed([FetchFailure])
    /// This side's disk; the caller knows the error. The partial file stays.
    case diskFailed
    /// The partial file stays.
    case cancelled
}
