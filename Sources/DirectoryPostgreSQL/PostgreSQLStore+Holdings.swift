import Directory

extension PostgreSQLStore {
    package func holdings(
        _ query: FileQuery, after: PageCursor?, limit: Int, now: UnixTime
    ) async throws(StoreError) -> Page<Holding> {
        var start = EntryPosition.start
        if let after {
            guard let position = EntryPosition(after.string) else { throw .badCursor }
            start = position
        }
        let position = start
        return try await read { db in
            var walk = HoldingWalk(
                db: db, now: now, limit: limit, position: position,
                time: self.configuration.searchTime)
            return try walk.run(query)
        }
    }
}
