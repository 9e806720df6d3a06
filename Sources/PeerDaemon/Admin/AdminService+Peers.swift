import AdminWire
import Overlay

extension AdminService {
    func peers() async -> [Admin.Peer] {
        let members = await peer.members()
        let friends = members.filter(\.isFriend).compactMap {
            $0.info?.id.flatMap { PeerID(hex: $0) }
        }
        let neighbours = Set(
            await peer.fleet.neighbours(withFriends: friends).map(\.description))
        let (sinceStart, now) = (peer.network.now.sinceStart, WallClock.milliseconds())
        return members.map { member in
            Admin.Peer(
                url: member.url.description, name: member.info?.name, id: member.info?.id,
                version: member.info?.version, grpc: member.info?.grpc,
                state: member.state.rawValue,
                since: now - (sinceStart - member.since.sinceStart).wholeMilliseconds,
                protocol: member.protocol.rawValue, friend: member.isFriend,
                round_trip_us: member.roundTrip.map { Int($0 / .microseconds(1)) },
                files: member.info?.files.map { Int($0) },
                bytes: member.info?.bytes.map { Int($0) },
                reason: member.reason,
                neighbour: member.info?.id.map(neighbours.contains) ?? false)
        }
    }

    /// Of the dead there are no links.
    func graph() async -> Admin.Graph {
        let peers = [ownPeer()] + (await peers())
        var places: [String: Int] = [:]
        for (place, peer) in peers.enumerated() { if let id = peer.id { places[id] = place } }
        var links = await peer.fleet.graphLinks().compactMap { link -> Admin.Link? in
            guard let one = places["\(link.low)"], let other = places["\(link.high)"]
            else { return nil }
            return Admin.Link(one: min(one, other), other: max(one, other), kind: "ring")
        }
        for (place, peer) in peers.enumerated().dropFirst() {
            if peer.friend { links.append(Admin.Link(one: 0, other: place, kind: "friend")) }
            if peer.protocol == PeerProtocol.rest.rawValue, peer.state == "alive" {
                links.append(Admin.Link(one: 0, other: place, kind: "rest"))
            }
        }
        return Admin.Graph(
            peers: peers, links: links.sorted { ($0.one, $0.other) < ($1.one, $1.other) })
    }

    private func ownPeer() -> Admin.Peer {
        let (identity, totals) = (peer.identity, peer.catalog.totals)
        return Admin.Peer(
            url: identity.url.description, name: identity.name, id: identity.id,
            version: identity.version, grpc: identity.grpc, state: MemberState.alive.rawValue,
            since: WallClock.milliseconds() - peer.uptime.wholeMilliseconds,
            protocol: PeerProtocol.p2p.rawValue, friend: false, files: Int(totals.files),
            bytes: Int(totals.bytes))
    }
}
