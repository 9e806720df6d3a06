import Glibc
import RootedFiles
import SystemPackage
import TestDirectories
import Testing

@Suite("The staging area")
struct StagingAreaTests {
    let shared: TemporaryDirectory
    let root: RootedDirectory
    let staging: StagingArea
    let key: StagingArea.Key

    init() throws {
        shared = try TemporaryDirectory()
        root = try RootedDirectory(path: shared.path)
        staging = try root.stagingArea()
        key = try #require(StagingArea.Key(String(repeating: "0a", count: 32)))
    }

    private func begin(_ text: String, key: StagingArea.Key? = nil) throws {
        try staging.open(key ?? self.key).write(Array(text.utf8), at: 0)
    }

    @Test("is hidden, of mode 0700, and takes only digests as names")
    func layout() throws {
        var found = stat()
        try #require(stat("\(shared.path)/.p2p-peer", &found) == 0)
        #expect(found.st_mode & 0o7777 == 0o700)
        for name in ["", "..", "../x", String(repeating: "A", count: 64), "abc"] {
            #expect(StagingArea.Key(name) == nil)
        }
    }

    @Test("keeps a partial file until it is opened again")
    func resumes() throws {
        try begin("half")
        let again = try root.stagingArea().open(key)
        #expect(try again.status().size == 4)
        try again.write(Array("+half".utf8), at: 4)
        try again.preallocate(1 << 20)
        #expect(try again.status().size == 9)
        try again.truncate(to: 4)
        #expect(try again.status().size == 4)
    }

    @Test("publishes with parents, permissions and time, and keeps nothing")
    func publishes() throws {
        try begin("whole")
        let time = FileStatus.Timestamp(seconds: 1_700_000_000, nanoseconds: 5)
        let path = try RelativePath("a/b/c")
        let status = try staging.publish(key, as: path, onConflict: .refuse, modified: time)
        #expect(status.permissions == 0o644 && status.modified == time)
        #expect(try root.status(of: path).hasSameContent(as: status))
        #expect(try shared.text(of: "a/b/c") == "whole")
        #expect(try staging.partials().isEmpty)
    }

    @Test("shows nothing under the final name before it is published")
    func nothingVisible() throws {
        try begin("half")
        var names: [String] = []
        let entries = try root.entries()
        while let entry = try entries.next() {
            names.append(String(decoding: entry.name, as: UTF8.self))
        }
        #expect(names == [".p2p-peer"])
        #expect(try staging.partials().map(\.key) == [key])
    }

    @Test("does not overwrite unless told to")
    func conflict() throws {
        try shared.write("old", to: "file")
        try begin("new")
        let path = try RelativePath("file")
        #expect(throws: RootedFileError(path: "file", reason: .exists)) {
            try staging.publish(key, as: path, onConflict: .refuse)
        }
        #expect(try shared.text(of: "file") == "old")
        try staging.publish(key, as: path, onConflict: .replace)
        #expect(try shared.text(of: "file") == "new")
    }

    @Test("replaces a symbolic link itself, not what it leads to")
    func replacesLink() throws {
        let outside = try TemporaryDirectory()
        try outside.write("kept", to: "target")
        try shared.makeLink("file", to: "\(outside.path)/target")
        try begin("new")
        try staging.publish(key, as: RelativePath("file"), onConflict: .replace)
        #expect(try outside.text(of: "target") == "kept")
        #expect(try shared.text(of: "file") == "new")
    }

    @Test("publishes through no symbolic link, over no directory, under no file")
    func hostileTargets() throws {
        let outside = try TemporaryDirectory()
        try shared.makeLink("out", to: outside.path)
        try shared.makeDirectory("dir")
        try shared.write("x", to: "file")
        try begin("new")
        for (name, reason) in [
            ("out/file", RootedFileError.Reason.outside), ("dir", .notARegularFile),
            ("file/below", .notFound), (".p2p-peer/file", .outside), (".p2p-peer", .outside),
        ] {
            let path = try RelativePath(name)
            #expect(throws: RootedFileError(path: name, reason: reason), "\(name)") {
                try staging.publish(key, as: path, onConflict: .replace)
            }
        }
        #expect(!outside.exists("file"))
        #expect(try staging.partials().count == 1)
    }

    @Test("publishes nothing that was not begun")
    func notBegun() throws {
        #expect(throws: RootedFileError.self) {
            try staging.publish(key, as: RelativePath("file"), onConflict: .refuse)
        }
        #expect(!shared.exists("file"))
    }

    @Test("lets exactly one of many publish under a name")
    func race() async throws {
        let keys = (0..<16).compactMap { number in
            StagingArea.Key(
                String(repeating: "0123456789abcdef".map(String.init)[number], count: 64))
        }
        for key in keys {
            try begin(key.string, key: key)
        }
        let staging = staging
        let winners = await withTaskGroup(of: Bool.self) { group in
            for key in keys {
                group.addTask {
                    do {
                        try staging.publish(key, as: RelativePath("d/f"), onConflict: .refuse)
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
        #expect(try staging.partials().count == 15)
    }

    @Test("does not write to a partial file that has a second name")
    func secondName() throws {
        try begin("published")
        let partial = "\(shared.path)/.p2p-peer/\(key.string)"
        try #require(link(partial, "\(shared.path)/file") == 0)
        let file = try staging.open(key)
        #expect(try file.status().size == 0)
        try file.write(Array("other".utf8), at: 0)
        #expect(try shared.text(of: "file") == "published")
    }

    @Test("refuses a partial file that is a link or FIFO")
    func hostilePartial() throws {
        try shared.makeLink(".p2p-peer/\(key.string)", to: "\(shared.path)/victim")
        #expect(throws: RootedFileError.self) { try staging.open(key) }
        #expect(!shared.exists("victim"))
        try staging.remove(key)
        try #require(mkfifo("\(shared.path)/.p2p-peer/\(key.string)", 0o600) == 0)
        #expect(throws: RootedFileError.self) { try staging.open(key) }
    }

    @Test("is not made where its name leads elsewhere")
    func linkedArea() throws {
        let other = try TemporaryDirectory()
        try other.makeLink(".p2p-peer", to: shared.path)
        let root = try RootedDirectory(path: other.path)
        #expect(throws: RootedFileError.self) { try root.stagingArea() }
    }

    @Test("forgets what is stale, and only that")
    func stale() throws {
        try begin("old")
        try staging.open(key).setModified(.init(seconds: 1_000, nanoseconds: 0))
        let fresh = try #require(StagingArea.Key(String(repeating: "b", count: 64)))
        try begin("fresh", key: fresh)
        try shared.write("foreign", to: ".p2p-peer/notes")
        #expect(try staging.removePartials(modifiedBefore: 2_000) == 1)
        #expect(try staging.partials().map(\.key) == [fresh])
        #expect(shared.exists(".p2p-peer/notes"))
    }

    @Test("names the path and what the kernel said")
    func message() {
        let full = RootedFileError(path: "a/b", reason: .system(.noSpace))
        #expect("\(full)" == "a/b: No space left on device")
    }

    @Test("removes what uploads have left, but not one that is under way, nor a fetch")
    func abandonedUploads() throws {
        let (left, underWay) = (StagingArea.Key.upload(), StagingArea.Key.upload())
        #expect(left != underWay)
        try begin("left", key: left)
        try begin("fetched")
        let file = try staging.open(underWay)
        try #require(flock(file.descriptor.rawValue, LOCK_EX) == 0)
        try shared.makeDirectory(".p2p-peer/upload-directory")
        #expect(try staging.removeAbandonedUploads() == 1)
        #expect(!shared.exists(".p2p-peer/\(left.string)"))
        #expect(shared.exists(".p2p-peer/\(underWay.string)"))
        #expect(try staging.partials().map(\.key) == [key])
        #expect(try staging.freeBytes() > 0)
    }
}
