import Overlay

extension Peer {
    /// The member that somebody calls by its name, its URL or the beginning of its id (8 digits at
    /// least); one that is alive before others, since names clash.
    func member(named name: String) async throws(NoSuchPeer) -> Member {
        let members = await members()
        let url = PeerURL(wire: name)
        let isID = name.utf8.count >= 8
        let matches = members.filter {
            $0.info?.name == name || $0.url == url
                || (isID && $0.info?.id?.hasPrefix(name.lowercased()) == true)
        }
        guard let found = matches.first(where: { $0.state == .alive }) ?? matches.first else {
            throw NoSuchPeer(
                name: name, known: members.map { $0.info?.name ?? $0.url.description })
        }
        return found
    }
}

/// Nobody is known by that name.
struct NoSuchPeer: Error {
    /// Of those that are known, this many are named.
    static let namedMax = 20

    let name: String
    /// Names, or URLs where there is none.
    let known: [String]

    var reason: String {
        var names = known.prefix(Self.namedMax).joined(separator: ", ")
        if known.count > Self.namedMax { names += " and \(known.count - Self.namedMax) more" }
        return "no peer is known as \(name); known: \(names.isEmpty ? "none" : names)"
    }
}
