import Directory
import PostgreSQL

extension PostgreSQLStore {
    package func indexState(ofPeer peer: String) async throws(StoreError) -> IndexState {
        try await read { db in
            let state = try db.first(
                "SELECT version, received, files FROM directory_account WHERE name = $1",
                [.text(peer)], ListWriter.state)
            guard let state else { throw StoreError.noSuchAccount(peer) }
            return state
        }
    }

    package func replaceIndex(
        ofPeer peer: String, with list: IndexList
    ) async throws(StoreError) -> IndexState {
        try await write { db in
            let account = try Self.lock(account: peer, in: db).id
            let writer = ListWriter(db: db, account: account)
            let state = IndexState(
                version: list.version, received: list.received, files: list.entries.count)
            let before = try writer.state()
            if before == state { return state }
            if before.version != list.version {
                try writer.replace(with: list)
            }
            try writer.setState(state)
            return state
        }
    }

    package func applyDelta(
        _ delta: IndexDelta, ofPeer peer: String, filesMax: Int
    ) async throws(StoreError) -> IndexState? {
        try await write { db in
            let account = try Self.lock(account: peer, in: db).id
            let writer = ListWriter(db: db, account: account)
            let before = try writer.state()
            guard before.version == delta.base else { return nil }
            let change = try writer.change(delta, of: before)
            if let result = delta.result, result != change.state.version { return nil }
            if change.state.files > filesMax { throw StoreError.tooManyFiles(limit: filesMax) }
            try writer.remove(names: change.removed)
            try writer.put(delta.changed)
            try writer.setState(change.state)
            return change.state
        }
    }
}
