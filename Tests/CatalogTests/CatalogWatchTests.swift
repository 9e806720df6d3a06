import Catalog
import Glibc
import RootedFiles
import TestDirectories
import Testing

@Suite("A watched directory")
struct CatalogWatchTests {
    let shared: TemporaryDirectory
    let state: TemporaryDirectory

    init() throws {
        shared = try TemporaryDirectory()
        state = try TemporaryDirectory()
    }

    private func whileWatching(_ body: (Catalog) async throws -> Void) async throws {
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilWatching()
            #expect(catalog.status.state == .watching)
            try await body(catalog)
        }
    }

    @Test("shows what is made, changed and deleted")
    func files() async throws {
        try await whileWatching { catalog in
            try shared.write("one", to: "file")
            try await catalog.wait("made") { try await $0.file(path: "file")?.sha256 != nil }
            let before = catalog.totals.version
            try shared.write("other", to: "file")
            try await catalog.wait("changed") { try await $0.file(path: "file")?.size == 5 }
            try await catalog.waitUntilHashed(1)
            #expect(catalog.totals.version > before)
            try #require(unlink("\(shared.path)/file") == 0)
            try await catalog.wait("deleted") { $0.totals.files == 0 }
            #expect(catalog.totals.bytes == 0 && catalog.totals.hashed == 0)
        }
    }

    @Test("keeps the digest of what is renamed, alone and with its directory")
    func renames() async throws {
        try shared.makeDirectory("a")
        try shared.write("1", to: "a/x")
        try shared.write("22", to: "y")
        try await whileWatching { catalog in
            try await catalog.waitUntilHashed(2)
            try #require(rename("\(shared.path)/a", "\(shared.path)/b") == 0)
            try #require(rename("\(shared.path)/y", "\(shared.path)/z") == 0)
            try await catalog.wait("renamed") { try await $0.paths() == ["b/x", "z"] }
            try await catalog.waitUntilHashed(2)
            #expect(catalog.status.filesHashed == 2)
            // The watch went along.
            try shared.write("333", to: "b/new")
            try await catalog.wait("in the renamed one") {
                try await $0.file(path: "b/new") != nil
            }
        }
    }

    @Test("misses no file of a tree that is made at once")
    func newTrees() async throws {
        try await whileWatching { catalog in
            for tree in 0..<20 {
                var path = "t\(tree)"
                try shared.makeDirectory(path)
                for _ in 0..<4 {
                    path += "/d"
                    try shared.makeDirectory(path)
                    try shared.write("x", to: "\(path)/f")
                }
            }
            try await catalog.waitUntilHashed(80)
        }
    }

    @Test("forgets a tree that is moved away, and does not follow it")
    func movedAway() async throws {
        let outside = try TemporaryDirectory()
        try shared.makeDirectory("a")
        try shared.makeDirectory("a/b")
        try shared.write("x", to: "a/b/f")
        try await whileWatching { catalog in
            try #require(rename("\(shared.path)/a", "\(outside.path)/a") == 0)
            try await catalog.wait("gone") { $0.totals.files == 0 }
            try outside.write("y", to: "a/b/g")
            try shared.write("z", to: "last")
            try await catalog.wait("later") { try await $0.paths() == ["last"] }
        }
    }

    @Test("finds a burst of changes that is larger than what it keeps")
    func burst() async throws {
        try await whileWatching { catalog in
            for number in 0..<9_000 {
                try shared.write("", to: "f\(number)")
            }
            try await catalog.wait("all") { $0.totals.files == 9_000 }
        }
    }

    @Test("tells listeners of changes, and ends with them")
    func listeners() async throws {
        try await whileWatching { catalog in
            let changes = catalog.changes()
            try shared.write("x", to: "file")
            for await totals in changes where totals.files == 1 {
                break
            }
            try await catalog.waitUntilHashed(1)
        }
    }

    @Test("indexes at once what was published, and does not hash it again")
    func published() async throws {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let key = try #require(StagingArea.Key(String(repeating: "c", count: 64)))
        let staging = try RootedDirectory(path: shared.path).stagingArea()
        try staging.open(key).write(Array("abc".utf8), at: 0)
        let path = try RelativePath("new/dir/file")
        try staging.publish(key, as: path, onConflict: .refuse)
        // Not while it watches: that may come first, and then it hashes.
        let stopped = try Catalog(
            root: shared.path, stateDirectory: state.path, logger: LogRecorder().logger)
        await stopped.published(path, sha256: digest)
        #expect(try await stopped.file(path: path.string)?.sha256 == digest)
        try await whileWatching { catalog in
            _ = try await catalog.rescan()
            #expect(try await catalog.paths() == ["new/dir/file"])
            #expect(try await catalog.file(path: path.string)?.sha256 == digest)
            #expect(catalog.status.filesHashed == 0)
        }
    }

    @Test("hashes on demand, once for all who ask")
    func checksum() async throws {
        try shared.write("abc", to: "file")
        let catalog = try Catalog(
            root: shared.path, stateDirectory: state.path, logger: LogRecorder().logger)
        let path = try RelativePath("file")
        try await withThrowingTaskGroup(of: SharedFile.self) { group in
            for _ in 0..<20 {
                group.addTask { try await catalog.checksum(of: path) }
            }
            for try await file in group {
                #expect(file.sha256?.hasPrefix("ba7816bf") == true && file.size == 3)
            }
        }
        #expect(catalog.status.filesHashed == 1)
        try shared.write("abd", to: "file")
        #expect(try await catalog.checksum(of: path).sha256?.hasPrefix("ba7816bf") == false)
        let missing = try RelativePath("missing")
        await #expect(throws: RootedFileError(path: "missing", reason: .notFound)) {
            try await catalog.checksum(of: missing)
        }
    }

    @Test("rescans only while it runs")
    func notRunning() async throws {
        let catalog = try Catalog(
            root: shared.path, stateDirectory: state.path, logger: LogRecorder().logger)
        await #expect(throws: CatalogError.notRunning) { try await catalog.rescan() }
    }
}
