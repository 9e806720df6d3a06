/// A peer that is no longer logged in, and why: for the log.
package struct PeerDeparture: Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        case inactivity
        case logout
        case disabled
        case removed
    }

    package let peer: String
    package let reason: Reason

    package init(peer: String, reason: Reason) {
        self.peer = peer
        self.reason = reason
    }
}

extension PeerDeparture: CustomStringConvertible {
    /// The line of the log; for inactivity the original's words.
    package var description: String {
        switch reason {
        case .inactivity: "Peer '\(peer)' se ha desconectado por inactividad"
        case .logout: "Peer '\(peer)' has logged out"
        case .disabled: "Peer '\(peer)' was disconnected: its account is disabled"
        case .removed: "Peer '\(peer)' was disconnected: its account is removed"
        }
    }
}
