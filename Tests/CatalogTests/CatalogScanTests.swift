import Catalog
import Glibc
import RootedFiles
import TestDirectories
import Testing

@Suite("A scan of the shared directory")
struct CatalogScanTests {
    let shared: TemporaryDirectory
    let state: TemporaryDirectory

    init() throws {
        shared = try TemporaryDirectory()
        state = try TemporaryDirectory()
    }

    @Test("hashes nothing again that has not changed")
    func secondStart() async throws {
        try shared.makeDirectory("sub")
        for number in 0..<50 {
            try shared.write("content \(number)", to: "sub/\(number)")
        }
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilHashed(50)
            #expect(catalog.status.filesHashed == 50)
        }
        try shared.write("other content", to: "sub/7")
        try await withRunningCatalog(shared, state: state) { catalog in
            // The rows of the last run, before anything was scanned.
            #expect(try await catalog.paths().count == 50)
            try await catalog.waitUntilWatching()
            try await catalog.waitUntilHashed(50)
            #expect(catalog.status.filesHashed == 1)
            let version = catalog.totals.version
            let result = try await catalog.rescan()
            #expect(result.files == 50 && result.added + result.changed + result.removed == 0)
            #expect(catalog.totals.version == version)
        }
    }

    @Test("counts what is new, changed and gone since the last run")
    func counts() async throws {
        for name in ["kept", "changed", "gone"] {
            try shared.write(name, to: name)
        }
        try await withRunningCatalog(shared, state: state) { try await $0.waitUntilHashed(3) }
        try shared.write("longer than before", to: "changed")
        try #require(unlink("\(shared.path)/gone") == 0)
        try shared.write("new", to: "new")
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilWatching()
            try await catalog.waitUntilHashed(3)
            #expect(try await catalog.paths() == ["changed", "kept", "new"])
            #expect(catalog.totals.bytes == 18 + 4 + 3)
        }
    }

    @Test("shares neither links, FIFOs, hidden and temporary files nor the staging area")
    func leftOut() async throws {
        let outside = try TemporaryDirectory()
        try outside.write("secret", to: "secret")
        try shared.makeDirectory("dir")
        try shared.makeDirectory(".git")
        try shared.write("x", to: ".git/config")
        for name in ["dir/file", ".hidden", "a~", "b.tmp", "c.part", "d.swp"] {
            try shared.write("x", to: name)
        }
        try shared.makeLink("out", to: outside.path)
        try shared.makeLink("dir/loop", to: "..")
        try shared.makeLink("link", to: "dir/file")
        try #require(mkfifo("\(shared.path)/fifo", 0o644) == 0)
        let key = try #require(StagingArea.Key(String(repeating: "a", count: 64)))
        _ = try RootedDirectory(path: shared.path).stagingArea().open(key)
        try await withRunningCatalog(shared, state: state) { catalog in
            try await catalog.waitUntilWatching()
            #expect(try await catalog.paths() == ["dir/file"])
            for hidden in [".hidden", ".git/config", "b.tmp"] {
                let path = try RelativePath(hidden)
                #expect(throws: RootedFileError(path: hidden, reason: .notFound)) {
                    try catalog.open(path)
                }
            }
        }
    }

    @Test("skips names that are not UTF-8, and says so once")
    func notUTF8() async throws {
        for byte in [UInt8(0xE9), 0xFF] {
            let path = Array("\(shared.path)/".utf8) + [byte, 0]
            let descriptor = path.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { path in
                path.baseAddress.map { Glibc.open($0, O_CREAT | O_WRONLY, 0o644) } ?? -1
            }
            try #require(descriptor >= 0 && close(descriptor) == 0)
        }
        try shared.write("x", to: "good")
        let recorder = LogRecorder()
        try await withRunningCatalog(shared, state: state, recorder: recorder) { catalog in
            try await catalog.waitUntilWatching()
            _ = try await catalog.rescan()
            #expect(try await catalog.paths() == ["good"])
        }
        #expect(recorder.messages.filter { $0.contains("names_not_utf8=2") }.count == 1)
        #expect(recorder.messages.count == 1)
    }

    @Test("skips what can not be read, and says so once", .enabled(if: geteuid() != 0))
    func unreadable() async throws {
        try shared.write("x", to: "good")
        try shared.write("x", to: "secret")
        try shared.makeDirectory("closed")
        try shared.write("x", to: "closed/file")
        try #require(chmod("\(shared.path)/secret", 0) == 0)
        try #require(chmod("\(shared.path)/closed", 0) == 0)
        defer { chmod("\(shared.path)/closed", 0o755) }
        let recorder = LogRecorder()
        try await withRunningCatalog(shared, state: state, recorder: recorder) { catalog in
            try await catalog.waitUntilWatching()
            _ = try await catalog.rescan()
            #expect(try await catalog.paths() == ["good"])
            try #require(chmod("\(shared.path)/secret", 0o644) == 0)
            try await catalog.wait("readable now") {
                try await $0.paths() == ["good", "secret"]
            }
        }
        #expect(recorder.messages.filter { $0.contains("unreadable=2") }.count == 1)
    }

    @Test("rebuilds a damaged database, and keeps one of the old ones", arguments: [1, 2])
    func damaged(times: Int) async throws {
        try shared.write("x", to: "file")
        let recorder = LogRecorder()
        for _ in 0..<times {
            try state.write(String(repeating: "damage ", count: 5000), to: "catalog.sqlite")
            try await withRunningCatalog(shared, state: state, recorder: recorder) { catalog in
                try await catalog.waitUntilHashed(1)
                #expect(try await catalog.paths() == ["file"])
            }
        }
        #expect(state.exists("catalog.sqlite.damaged-\(times)"))
        #expect(!state.exists("catalog.sqlite.damaged-\(times - 1)"))
        #expect(recorder.messages.filter { $0.contains("is rebuilt") }.count == times)
    }

    @Test("rebuilds a database that is found damaged while it is used")
    func damagedLater() async throws {
        for number in 0..<500 {
            try shared.write("x", to: "file-\(number)")
        }
        try await withRunningCatalog(shared, state: state) { try await $0.waitUntilHashed(500) }
        // Behind the first page: it opens, and fails once it is walked.
        let file = try #require(fopen("\(state.path)/catalog.sqlite", "r+"))
        fseek(file, 3 * 4096, SEEK_SET)
        let garbage = [UInt8](repeating: 0xA5, count: 20 * 4096)
        fwrite(garbage, 1, garbage.count, file)
        try #require(fclose(file) == 0)
        let recorder = LogRecorder()
        try await withRunningCatalog(shared, state: state, recorder: recorder) { catalog in
            try await catalog.wait("rebuilt") { catalog in
                recorder.messages.contains { $0.contains("is rebuilt") }
                    && catalog.totals.hashed == 500
            }
            #expect(try await catalog.paths().count == 500)
        }
    }
}
