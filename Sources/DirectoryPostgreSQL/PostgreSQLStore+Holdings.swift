import Directory

extension PostgreSQLStore {
    package func holdings(
        _ query: FileQuery, after: PageCursor?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> Page<Holding> {
        let position = try EntryPosition(after: after)
        return try await read { db in
            var walk = HoldingWalk(
                store: self, db: db, now: now, limit: limit, position: position)
            return try walk.run(query)
        }
    }
}
