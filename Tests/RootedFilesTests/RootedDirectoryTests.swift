import Glibc
import RootedFiles
import SystemPackage
import TestDirectories
import Testing

@Suite("A rooted directory")
struct RootedDirectoryTests {
    let outside: TemporaryDirectory
    let shared: TemporaryDirectory
    let root: RootedDirectory

    init() throws {
        outside = try TemporaryDirectory()
        shared = try TemporaryDirectory()
        root = try RootedDirectory(path: shared.path)
        try outside.write("secret", to: "secret")
    }

    private func reason(opening path: String) throws -> RootedFileError.Reason? {
        let path = try RelativePath(path)
        do {
            _ = try root.open(path)
            return nil
        } catch {
            #expect(error.path == path.string)
            return error.reason
        }
    }

    @Test("opens a regular file and reads it")
    func reads() throws {
        try shared.makeDirectory("a")
        try shared.write("hello", to: "a/b")
        let file = try root.open(RelativePath("a/b"))
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(try file.read(into: &buffer, at: 1) == 4)
        #expect(String(decoding: buffer.prefix(4), as: UTF8.self) == "ello")
        #expect(try file.read(into: &buffer, at: 5) == 0)
        let status = try file.status()
        #expect(status.size == 5 && status.linkCount == 1 && status.kind == .regular)
        #expect(try root.status(of: RelativePath("a")).kind == .directory)
    }

    @Test("follows no symbolic link, wherever it leads and wherever it stands")
    func links() throws {
        try shared.write("inside", to: "file")
        try shared.makeDirectory("dir")
        try shared.write("inside", to: "dir/file")
        try shared.makeLink("out", to: "\(outside.path)/secret")
        try shared.makeLink("outdir", to: outside.path)
        try shared.makeLink("up", to: "../")
        try shared.makeLink("in", to: "file")
        try shared.makeLink("indir", to: "dir")
        try shared.makeLink("loop", to: "loop")
        try shared.makeLink("magic", to: "/proc/self/cwd")
        for path in ["out", "outdir/secret", "up/etc", "in", "indir/file", "loop", "magic/x"] {
            #expect(try reason(opening: path) == .outside, "\(path)")
            #expect(throws: RootedFileError.self) { try root.status(of: RelativePath(path)) }
        }
    }

    @Test("opens neither FIFO, directory, socket nor device, and does not wait for them")
    func notRegular() throws {
        try #require(mkfifo("\(shared.path)/fifo", 0o644) == 0)
        try shared.makeDirectory("dir")
        #expect(try reason(opening: "fifo") == .notARegularFile)
        #expect(try reason(opening: "dir") == .notARegularFile)
        if mknod("\(shared.path)/null", S_IFCHR | 0o666, 0x103) == 0 {
            let found = try reason(opening: "null")
            // A file system mounted nodev says EACCES.
            #expect(found == .notARegularFile || found == .system(.permissionDenied))
        }
    }

    @Test("says that there is nothing")
    func missing() throws {
        try shared.write("x", to: "file")
        #expect(try reason(opening: "nothing") == .notFound)
        #expect(try reason(opening: "file/below") == .notFound)
    }

    @Test("does not show its staging area")
    func staging() throws {
        let key = try #require(StagingArea.Key(String(repeating: "a", count: 64)))
        _ = try root.stagingArea().open(key)
        #expect(try reason(opening: ".p2p-peer/\(key.string)") == .notFound)
        #expect(try reason(opening: ".p2p-peer") == .notFound)
    }

    @Test("lists every entry, whatever its name")
    func entries() throws {
        try shared.write("x", to: "file")
        try shared.makeDirectory("dir")
        let descriptor = Glibc.open("\(shared.path)/\u{E9}", O_CREAT | O_WRONLY, 0o644)
        try #require(descriptor >= 0 && close(descriptor) == 0)
        let entries = try root.entries()
        var names: [[UInt8]] = []
        while let entry = try entries.next() {
            names.append(entry.name)
        }
        #expect(Set(names) == Set([Array("file".utf8), Array("dir".utf8), Array("\u{E9}".utf8)]))
    }

    @Test("stays with the directory that was opened when its name is given to another")
    func renamedRoot() throws {
        try shared.makeDirectory("root")
        try shared.write("old", to: "root/file")
        let root = try RootedDirectory(path: "\(shared.path)/root")
        try #require(rename("\(shared.path)/root", "\(shared.path)/moved") == 0)
        try shared.makeLink("root", to: outside.path)
        #expect(try root.open(RelativePath("file")).status().size == 3)
        #expect(throws: RootedFileError.self) { try root.open(RelativePath("secret")) }
    }

    @Test("never leaves the root while a directory is swapped for a link out")
    func swaps() async throws {
        try shared.makeDirectory("dir")
        try shared.write("safe", to: "dir/secret")
        try shared.makeLink("link", to: outside.path)
        let (root, base) = (root, shared.path)
        let swapper = Task.detached {
            while !Task.isCancelled {
                _ = rename("\(base)/dir", "\(base)/aside")
                _ = rename("\(base)/link", "\(base)/dir")
                _ = rename("\(base)/dir", "\(base)/link")
                _ = rename("\(base)/aside", "\(base)/dir")
            }
        }
        let path = try RelativePath("dir/secret")
        for _ in 0..<5_000 {
            do throws(RootedFileError) {
                #expect(try root.open(path).status().size == 4)
            } catch {
                #expect([.outside, .notFound].contains(error.reason))
            }
        }
        swapper.cancel()
        await swapper.value
    }
}
