/// A friend's name that leads to many peers, as a DNS name with many addresses does: a way in, and no
/// peer itself.
///
/// A round visits some of its addresses, learns from each answer under which URL that peer is
/// known, and asks the first few to take us. It ends when nobody is waited for.
struct Rendezvous: Hashable, Sendable {
    /// Addresses asked, each with the time at which it is given up.
    var visits: [PeerURL: Instant] = [:]
    /// Peers found there that were asked to take us.
    var entries: Set<PeerURL> = []
    /// How many of them were asked in this round.
    var asked = 0
    /// Whether one of them took us in this round.
    var hasEntered = false

    var isIdle: Bool { visits.isEmpty && entries.isEmpty }
}

extension PeerURL {
    /// Whether the host is an IPv4 or IPv6 address rather than a name. A top-level domain is never
    /// all digits (RFC 3696 §2).
    var hasAddress: Bool {
        let last = host.split(separator: ".").last ?? ""
        return host.contains(":") || last.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
