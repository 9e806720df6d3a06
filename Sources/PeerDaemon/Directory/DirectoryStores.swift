import Directory
import DirectoryPostgreSQL

/// Where each kind of store is opened.
enum DirectoryStores {
    /// - Throws: ``StartupFailure``, naming the store.
    static func open(
        _ configuration: PeerConfiguration
    ) async throws(StartupFailure) -> any DirectoryStore {
        switch configuration.directory.store {
        case .sqlite:
            let path = "\(configuration.stateDirectory)/directory.sqlite"
            do {
                return try SQLiteStore(path: path)
            } catch {
                throw StartupFailure(
                    code: .osError, message: "directory.store: cannot be opened: \(error)")
            }
        case .postgresql(let url):
            do {
                return try PostgreSQLStore(url: url.text.value)
            } catch {
                // The error does not tell the password.
                throw StartupFailure(
                    code: .unavailable, message: "directory.store: \(url): \(error)")
            }
        }
    }
}
