import Overlay

/// What becomes of a query that was put to this peer, in the order in which it becomes known.
enum QueryEvent: Sendable {
    case answer(PeerAnswer)
    case failure(PeerKey, reason: String)
    /// The last one, or:
    case finished(Coverage)
    /// the only one.
    case refused(QueryRouter<PeerAnswer>.Refusal)
}
