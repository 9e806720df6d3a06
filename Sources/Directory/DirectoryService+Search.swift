extension DirectoryService {
    /// The files of peers that are logged in.
    ///
    /// - Throws: `invalid`, `store(.badCursor)`, `store`.
    package func holdings(
        _ query: FileQuery, after: PageCursor? = nil, limit: Int
    ) async throws(DirectoryError) -> Page<Holding> {
        try check(limit: limit)
        try check(query)
        do {
            return try await store.holdings(query, after: after, limit: limit, now: clock())
        } catch {
            throw .store(error)
        }
    }

    /// The peers that are logged in, in the order of their names' bytes.
    ///
    /// - Parameter after: Only peers behind this one.
    /// - Throws: `invalid`, `store`.
    package func peers(
        after: String? = nil, limit: Int
    ) async throws(DirectoryError) -> [Lease] {
        try check(limit: limit)
        do {
            return try await store.activeLeases(after: after, limit: limit, now: clock())
        } catch {
            throw .store(error)
        }
    }

    /// - Throws: `store`.
    package func figures() async throws(DirectoryError) -> DirectoryFigures {
        do {
            return try await store.figures(now: clock())
        } catch {
            throw .store(error)
        }
    }

    private func check(_ query: FileQuery) throws(DirectoryError) {
        switch query {
        case .all, .sha256: return
        case .named(let text), .containing(let text), .heldBy(let text):
            let bytesMax = DirectoryLimits.filenameBytesMax
            guard (1...bytesMax).contains(text.utf8.count), !text.utf8.contains(0) else {
                throw .invalid(reason: "a query has 1 to \(bytesMax) bytes, and no NUL")
            }
        }
    }
}
