import Glibc
import LogMessages
import Logging
import RootedFiles
import SQLite

/// Where the catalog's database lies, and what becomes of a damaged one.
struct DatabaseFile: Sendable {
    private static let name = "catalog.sqlite"
    private static let damagedPrefix = "catalog.sqlite.damaged-"

    let directory: String

    var path: String { "\(directory)/\(Self.name)" }

    /// Opens the database; one that can not be used is set aside, and begun anew.
    func open(
        logger: Logger, onChange: @escaping @Sendable (CatalogTotals) -> Void
    ) throws -> CatalogStore {
        do {
            return try CatalogStore(path: path, onChange: onChange)
        } catch SQLiteError.damaged(let failure) {
            try setAside(because: failure.message, logger: logger)
        } catch let error as MigrationError {
            try setAside(because: error.description, logger: logger)
        }
        return try CatalogStore(path: path, onChange: onChange)
    }

    /// Renames it to `catalog.sqlite.damaged-N`; the one before goes.
    func setAside(because reason: String, logger: Logger) throws {
        let earlier = try damaged()
        for number in earlier {
            unlink("\(directory)/\(Self.damagedPrefix)\(number)")
        }
        let target = "\(directory)/\(Self.damagedPrefix)\((earlier.max() ?? 0) + 1)"
        rename(path, target)
        // The log of a damaged file must not be applied to the next.
        unlink("\(path)-wal")
        unlink("\(path)-shm")
        logger.report(.catalogRebuilt, ["reason": "\(reason)", "set_aside": "\(target)"])
    }

    private func damaged() throws -> [Int] {
        let entries = try RootedDirectory(path: directory).entries()
        var numbers: [Int] = []
        while let entry = try entries.next() {
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name.hasPrefix(Self.damagedPrefix) else { continue }
            if let number = Int(name.dropFirst(Self.damagedPrefix.count)) {
                numbers.append(number)
            }
        }
        return numbers
    }
}
