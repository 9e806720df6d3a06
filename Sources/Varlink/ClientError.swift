/// Why a client's call has no reply.
package enum ClientError: Error, CustomStringConvertible {
    /// There is no such socket.
    case notThere(path: String)
    /// There is one, and nobody listens on it.
    case refused(path: String)
    /// The socket's permissions do not let this user in.
    case permissionDenied(path: String)
    /// The service answered with an error.
    case remote(VarlinkError)
    /// The service closed the connection before it had answered.
    case closed
    /// The descriptor that ends waiting became readable.
    case interrupted
    /// What came is not a reply to the call, and why.
    case malformed(String)
    case replyTooLong(limit: Int)
    case system(SystemError)

    package var description: String {
        switch self {
        case .notThere(let path): "\(path): no such socket"
        case .refused(let path): "\(path): nobody listens"
        case .permissionDenied(let path): "\(path): permission denied"
        case .remote(let error): "answered with \(error.name)"
        case .closed: "the service closed the connection before it had answered"
        case .interrupted: "interrupted"
        case .malformed(let reason): "the answer cannot be read: \(reason)"
        case .replyTooLong(let limit): "the answer has more than \(limit) bytes"
        case .system(let error): error.description
        }
    }
}
