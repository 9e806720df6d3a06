/// Why the directory did not do what a client asked.
package enum DirectoryError: Error, Equatable, Sendable {
    /// Why a login was refused; for the log, never for the client, who learns no more than that.
    package enum Refusal: String, Sendable {
        case unknownAccount = "there is no such account"
        case wrongPassword = "the password is wrong"
        case disabled = "the account is disabled"
    }

    case wrongCredentials(Refusal)
    /// Too many failed logins of this account from this address, or of this address.
    case throttled(retryAfter: Duration)
    /// More passwords or lists at once than are worked off; nothing was done, try again.
    case busy
    /// The token is of no lease: never was, or not any more. Log in again.
    case unknownToken
    case badIndex(IndexFault)
    /// A name, password or query outside of the limits.
    case invalid(reason: String)
    case store(StoreError)
}

extension DirectoryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .wrongCredentials: "the user name or the password is wrong"
        case .throttled(let delay):
            "too many failed logins; try again in \(max(1, delay.components.seconds)) s"
        case .busy: "the directory has more to do than it can; try again"
        case .unknownToken: "the session has ended; log in again"
        case .badIndex(let fault): fault.description
        case .invalid(let reason): reason
        case .store(let error): error.description
        }
    }
}
