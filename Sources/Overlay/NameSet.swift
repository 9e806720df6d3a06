/// A set of peers in which either of a key's two names finds it.
struct NameSet: Sendable {
    private var ids: Set<String> = []
    private var urls: Set<PeerURL> = []

    func contains(_ key: PeerKey) -> Bool {
        urls.contains(key.url) || key.id.map(ids.contains) ?? false
    }

    /// Whether it was not in there. Both names are afterwards.
    mutating func insert(_ key: PeerKey) -> Bool {
        let isNew = !contains(key)
        urls.insert(key.url)
        if let id = key.id { ids.insert(id) }
        return isNew
    }
}
