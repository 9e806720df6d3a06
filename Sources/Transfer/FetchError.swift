/// Why a fetch did not end with the file under its name.
package enum FetchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Each source that was there, and why it did not give the file.
    case sourcesFailed([FetchFailure])
    /// The name is taken, and it was not said to replace it.
    case alreadyExists(path: String)
    /// The same file is being fetched already.
    case inProgress(path: String)
    case disk(DiskError)
    case cancelled

    /// Whether what has been received is of no use any more.
    package var spoilsPartial: Bool {
        guard case .disk(let error) = self else { return false }
        return error.spoilsPartial
    }

    package var description: String {
        switch self {
        case .sourcesFailed(let failures) where failures.isEmpty:
            "no peer has the file"
        case .sourcesFailed(let failures):
            "no source gave the file: "
                + failures.map { "\($0.peer) \($0.path): \($0.reason)" }.joined(separator: "; ")
        case .alreadyExists(let path): "\(path): exists already; --force replaces it"
        case .inProgress(let path): "\(path): is being fetched already"
        case .disk(let error): "\(error)"
        case .cancelled: "cancelled; the next attempt continues where this one stopped"
        }
    }
}
