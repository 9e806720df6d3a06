import Glibc
import RootedFiles
import TestDirectories
import Testing

@Suite("Many small files at once")
struct StagingBatchTests {
    let shared: TemporaryDirectory
    let staging: StagingArea
    let time = FileStatus.Timestamp(seconds: 1_700_000_000, nanoseconds: 5)

    init() throws {
        shared = try TemporaryDirectory()
        staging = try RootedDirectory(path: shared.path).stagingArea()
    }

    private func small(_ path: String, _ text: String) throws -> StagingArea.SmallFile {
        StagingArea.SmallFile(
            path: try RelativePath(path), bytes: Array(text.utf8), modified: time)
    }

    private func staged() throws -> [String] {
        var names: [String] = []
        let entries = try RootedDirectory(path: "\(shared.path)/.p2p-peer").entries()
        while let entry = try entries.next() {
            names.append(String(decoding: entry.name, as: UTF8.self))
        }
        return names
    }

    @Test("have their names, bytes, times and permissions, in folders that are made")
    func published() throws {
        let paths = (0..<300).map { "d\($0 % 3)/e/\($0)" } + ["top"]
        let results = try staging.publish(
            try paths.map { try small($0, "text of \($0)") }, onConflict: .refuse)
        for (path, result) in zip(paths, results) {
            let status = try result.get()
            #expect(status.permissions == 0o644 && status.modified == time)
            #expect(try shared.text(of: path) == "text of \(path)")
        }
        #expect(try staged() == [])
    }

    @Test("What cannot have its name is told, and does not keep the others from theirs")
    func refused() throws {
        try shared.write("old", to: "taken")
        try shared.makeLink("link", to: "/tmp")
        let files = try [
            small("good", "1"), small("taken", "2"), small("taken/beneath", "3"),
            small("link/out", "4"), small(".p2p-peer/x", "5"), small("also/good", "6"),
        ]
        let results = try staging.publish(files, onConflict: .refuse)
        let reasons: [RootedFileError.Reason?] = results.map { result in
            if case .failure(let error) = result { error.reason } else { nil }
        }
        #expect(reasons == [nil, .exists, .notFound, .outside, .outside, nil])
        #expect(try shared.text(of: "taken") == "old")
        #expect(try shared.text(of: "also/good") == "6")
        #expect(access("/tmp/out", F_OK) != 0)
        #expect(try staged() == [])

        let replacing = try staging.publish([files[1]], onConflict: .replace)
        #expect(try replacing[0].get().size == 1)
        #expect(try shared.text(of: "taken") == "2")
    }

    @Test("Of two with one name the first has it")
    func twice() throws {
        let results = try staging.publish(
            [try small("same", "first"), try small("same", "second")], onConflict: .refuse)
        #expect(throws: RootedFileError(path: "same", reason: .exists)) { try results[1].get() }
        #expect(try shared.text(of: "same") == "first")
        #expect(try staged() == [])
    }
}
