import GRPCCore
import RootedFiles

/// What a file that cannot be had means as a gRPC status.
enum FileFailure {
    /// The seeds' clients look for the peer's name in the text.
    static func notFound(what: String, peer: String) -> RPCError {
        RPCError(code: .notFound, message: "\(peer) does not share \(what)")
    }

    /// Runs `body` and gives its file errors a status.
    static func mapped<Result>(by peer: String, _ body: () async throws -> Result) async throws
        -> Result
    {
        do {
            return try await body()
        } catch let error as RelativePath.Fault {
            throw RPCError(code: .invalidArgument, message: "\(error)")
        } catch let error as RootedFileError {
            throw status(of: error, peer: peer)
        }
    }

    private static func status(of error: RootedFileError, peer: String) -> RPCError {
        switch error.reason {
        case .notFound, .notARegularFile, .outside:
            // Which of them it is is nobody's business out there.
            notFound(what: error.path, peer: peer)
        case .invalidPath(let fault):
            RPCError(code: .invalidArgument, message: "\(fault)")
        case .exists, .system:
            RPCError(code: .internalError, message: "\(peer): \(error)", cause: error)
        }
    }
}
