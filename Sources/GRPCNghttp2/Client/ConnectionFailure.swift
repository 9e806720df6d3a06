import NIOCore
import NIOPosix
import SystemPackage

/// Why a connection was not made, in words for people.
package enum ConnectionFailure {
    package static func reason(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            // The addresses of one name mostly fail alike: the first reason stands for all.
            if let first = error.connectionErrors.first { return reason(of: first.error) }
            return "\(error.host) has no address"
        case let error as IOError:
            return Errno(rawValue: error.errnoCode).description
        case ChannelError.connectTimeout:
            return "did not answer in time"
        default:
            return "\(error)"
        }
    }
}
