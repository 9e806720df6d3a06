import AdminWire
import Directory
import Varlink

/// The accounts of the directory that this daemon is.
///
/// Passwords come in the parameters of a call, and go nowhere else: no event, log or error of the
/// admin sockets holds parameters.
extension AdminService {
    static let pageUsers = 500

    func users(_ call: VarlinkCall) async throws -> VarlinkReply {
        let query = try call.parameters(as: Admin.UsersQuery.self)
        let limit = query.limit ?? Self.pageUsers
        guard (1...Self.pageUsers).contains(limit) else {
            throw AdminError.invalidArgument(
                "limit", "expected 1-\(Self.pageUsers), found \(limit)")
        }
        let service = try role().service
        var after = query.after
        while true {
            let accounts = try await service.accounts(after: after, limit: limit + 1)
            // Both in the order of names: who of the page is logged in is among the first.
            let peers = try await service.peers(after: after, limit: limit)
            let loggedIn = Set(peers.map { Array($0.peer.utf8) })
            let reply = Admin.Users(
                users: accounts.prefix(limit).map {
                    Admin.User(
                        name: $0.name, disabled: $0.isDisabled,
                        logged_in: loggedIn.contains(Array($0.name.utf8)))
                },
                continues: accounts.count > limit)
            guard call.wantsMore, reply.continues else { return VarlinkReply(reply) }
            try await call.reply(reply)
            after = reply.users.last?.name
        }
    }

    func addUser(_ call: VarlinkCall) async throws -> VarlinkReply {
        let user = try call.parameters(as: Admin.NewUser.self)
        try await role().service.addAccount(name: user.name, password: user.password)
        return changed(user.name, "added", nil, call)
    }

    func setPassword(_ call: VarlinkCall) async throws -> VarlinkReply {
        let user = try call.parameters(as: Admin.NewUser.self)
        try await role().service.setPassword(user.password, ofAccount: user.name)
        return changed(user.name, "password set", nil, call)
    }

    func setDisabled(_ isDisabled: Bool, _ call: VarlinkCall) async throws -> VarlinkReply {
        let name = try call.parameters(as: Admin.UserName.self).name
        let departure = try await role().service.setDisabled(isDisabled, account: name)
        return changed(name, isDisabled ? "disabled" : "enabled", departure, call)
    }

    func removeUser(_ call: VarlinkCall) async throws -> VarlinkReply {
        let name = try call.parameters(as: Admin.UserName.self).name
        let departure = try await role().service.removeAccount(name: name)
        return changed(name, "removed", departure, call)
    }

    /// - Throws: `NoDirectory`.
    private func role() throws(VarlinkError) -> DirectoryRole {
        guard let directory else { throw AdminError.noDirectory }
        return directory
    }

    private func changed(
        _ name: String, _ action: String, _ departure: PeerDeparture?, _ call: VarlinkCall
    ) -> VarlinkReply {
        logger.report(
            .directoryAccountChanged,
            [
                "account": "\(name)", "action": "\(action)",
                "caller_uid": "\(call.peer.map { "\($0.userID)" } ?? "unknown")",
            ])
        if let departure { directory?.noteDeparture(departure) }
        return VarlinkReply(Admin.UserChange(logged_out: departure != nil))
    }
}

extension AdminError {
    static let noDirectory = VarlinkError("\(Admin.interface).NoDirectory", [String: String]())

    static func directory(_ error: DirectoryError) -> VarlinkError {
        switch error {
        case .store(.noSuchAccount(let name)):
            VarlinkError("\(Admin.interface).NoSuchUser", ["name": name])
        case .store(.accountExists(let name)):
            VarlinkError("\(Admin.interface).UserExists", ["name": name])
        case .busy: busy("\(error)")
        case .wrongCredentials, .throttled, .unknownToken, .badIndex, .invalid, .store:
            failed("\(error)")
        }
    }
}
