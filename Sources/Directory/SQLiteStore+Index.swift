import SQLite

extension SQLiteStore {
    package func indexState(ofPeer peer: String) async throws(StoreError) -> IndexState {
        try await read { db in
            let state = try db.first(
                "SELECT version, received, files FROM account WHERE name = ?", [.text(peer)],
                IndexWriter.state)
            guard let state else { throw StoreError.noSuchAccount(peer) }
            return state
        }
    }

    package func replaceIndex(
        ofPeer peer: String, with list: IndexList
    ) async throws(StoreError) -> IndexState {
        try await write { db in
            let writer = IndexWriter(db: db, account: try Self.id(ofAccount: peer, in: db))
            let state = IndexState(
                version: list.version, received: list.received, files: list.entries.count)
            let before = try writer.state()
            if before == state { return state }
            if before.version != list.version { try writer.replace(with: list) }
            try writer.setState(state)
            return state
        }
    }

    package func applyDelta(
        _ delta: IndexDelta, ofPeer peer: String, filesMax: Int
    ) async throws(StoreError) -> IndexState? {
        /// Rolls back what does not come to the peer's result.
        struct Mismatch: Error {}
        do {
            return try await database.write { db in
                let writer = IndexWriter(db: db, account: try Self.id(ofAccount: peer, in: db))
                let before = try writer.state()
                guard before.version == delta.base,
                    let after = try writer.apply(delta, to: before)
                else { throw Mismatch() }
                if after.files > filesMax { throw StoreError.tooManyFiles(limit: filesMax) }
                return after
            }
        } catch is Mismatch {
            return nil
        } catch {
            throw Self.storeError(error)
        }
    }
}
