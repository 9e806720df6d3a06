import Crypto
import FoundationEssentials
import Logging
import RootedFiles
import Synchronization
import SystemPackage
import Testing

@testable import Transfer

/// A shared directory of a test, and one file to fetch into it.
final class Workplace {
    let folder: String
    let content: [UInt8]
    let clock = TestClock()
    let key: StagingArea.Key

    /// Made once: a debug build takes long for it. No two pieces of it are the same.
    private static let pattern = (0..<(3 << 20 | 12_345)).map {
        UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9 ^ $0 >> 20)
    }
    private static let wrongPattern = pattern.map { ~$0 }

    init(bytes: Int = 3 << 20 | 12_345) throws {
        folder = FileManager.default.temporaryDirectory.path + "/fetch-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        content = Array(Self.pattern.prefix(bytes))
        key = try #require(StagingArea.Key(Self.sha256(content)))
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record("\(folder) stays: \(error)")
        }
    }

    static func sha256(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The same length, other bytes.
    var wrong: [UInt8] { Array(Self.wrongPattern.prefix(content.count)) }

    func source(_ manner: MemorySource.Manner = .honest, bytes: [UInt8]? = nil) -> MemorySource {
        MemorySource(bytes ?? content, manner, clock: clock)
    }

    func staged(_ conflict: StagingArea.Conflict = .refuse) throws -> StagedDestination {
        let root = try RootedDirectory(path: folder)
        return StagedDestination(
            root: root, staging: try root.stagingArea(), key: key,
            name: try RelativePath("in/file.bin"), conflict: conflict)
    }

    func fetch(
        _ sources: MemorySource..., to destination: (any FetchDestination)? = nil
    ) throws -> Fetch {
        Fetch(
            sha256: key.string,
            sources: sources.enumerated().map { index, source in
                Fetch.Source(
                    candidate: FetchCandidate(
                        peer: "http://p\(index)", path: "file.bin", size: Int64(content.count)),
                    reader: source)
            },
            destination: try destination ?? staged(), logger: Logger(label: "test"),
            sleep: clock.sleep)
    }

    var published: [UInt8]? { read("in/file.bin") }
    var partial: [UInt8]? { read(".p2p-peer/\(key.string)") }

    func read(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: "\(folder)/\(name)").map(Array.init)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let path = "\(folder)/\(name)"
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: true)
        try #require(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    }

    func beginPartial(_ bytes: [UInt8]) throws {
        let file = try RootedDirectory(path: folder).stagingArea().open(key)
        try file.write(bytes, at: 0)
    }
}

/// The error of a fetch that must fail.
func failure(of fetch: Fetch) async throws -> FetchError {
    do {
        let result = try await fetch.run()
        Issue.record("the fetch succeeded: \(result)")
        return .cancelled
    } catch {
        return error
    }
}

@Suite struct FetchTests {
    @Test("A file comes whole, under its name, and nothing stays in the staging area")
    func whole() async throws {
        let place = try Workplace()
        let size = Int64(place.content.count)
        let fetch = try place.fetch(place.source())
        let result = try await fetch.run()
        #expect(result.size == size && result.received == size && result.resumed == 0)
        #expect(result.peer != nil)
        #expect(place.published == place.content)
        #expect(place.partial == nil)
        var last: FetchProgress?
        for await progress in fetch.progress { last = progress }
        #expect(last == FetchProgress(received: size, size: size, peer: "http://p0"))
    }

    @Test("An empty file comes, too")
    func empty() async throws {
        let place = try Workplace(bytes: 0)
        _ = try await place.fetch(place.source()).run()
        #expect(place.published == [])
    }

    @Test("A partial file is proved and continued")
    func resume() async throws {
        let place = try Workplace()
        try place.beginPartial(Array(place.content.prefix(1_000_000)))
        let source = place.source()
        let result = try await place.fetch(source).run()
        #expect(result.resumed == 1_000_000)
        #expect(result.received == Int64(place.content.count - 1_000_000))
        #expect(source.offsets.withLock { $0 } == [1_000_000])
        #expect(place.published == place.content)
    }

    @Test("A partial file with wrong bytes costs one start from zero of the same source")
    func resumeWrong() async throws {
        let place = try Workplace()
        try place.beginPartial(Array(place.wrong.prefix(1_000_000)))
        let source = place.source()
        _ = try await place.fetch(source).run()
        #expect(source.offsets.withLock { $0 } == [1_000_000, 0])
        #expect(place.published == place.content)
    }

    @Test("A source that lies, ends short, never ends or stalls is named, and nothing is published")
    func liars() async throws {
        let place = try Workplace()
        let missing = FetchReason.endedShort(missing: Int64(place.content.count - 99))
        let table: [(MemorySource.Manner, [UInt8], FetchReason)] = [
            (.honest, place.wrong, .mismatch), (.short(99), place.content, missing),
            (.honest, place.content + place.wrong, .sentTooMuch),
            (.endless, place.wrong, .mismatch), (.stalls(after: 70_000), place.content, .stalled),
            (.refuses("not shared"), place.content, .refused("not shared")),
        ]
        for (manner, bytes, reason) in table {
            let place = try Workplace()
            let error = try await failure(of: place.fetch(place.source(manner, bytes: bytes)))
            #expect(
                error
                    == .sourcesFailed([
                        FetchFailure(peer: "http://p0", path: "file.bin", reason: reason)
                    ]))
            #expect(place.published == nil)
        }
    }

    @Test("After a liar the next source gives the file")
    func secondSource() async throws {
        for manner in [
            MemorySource.Manner.honest, .short(99), .endless, .stalls(after: 70_000),
            .refuses("not shared"),
        ] {
            let place = try Workplace()
            let liar = place.source(manner, bytes: place.wrong)
            _ = try await place.fetch(liar, place.source()).run()
            #expect(place.published == place.content, "\(manner)")
        }
    }

    @Test("A source that fails on the way is continued, not begun again")
    func continued() async throws {
        let place = try Workplace()
        let source = place.source(.failsOnce(after: 2_000_000))
        let result = try await place.fetch(source).run()
        #expect(source.offsets.withLock { $0 } == [0, 2_000_000])
        #expect(result.received == Int64(place.content.count))
        #expect(place.published == place.content)
    }

    @Test("A cancellation leaves what was received, and the next fetch continues there")
    func cancelled() async throws {
        let place = try Workplace()
        let source = place.source(.waits(after: 2_000_000))
        let fetch = try place.fetch(source)
        let task = Task { try await failure(of: fetch) }
        for await _ in source.isWaiting.stream { break }
        task.cancel()
        #expect(try await task.value == .cancelled)
        let partial = try #require(place.partial)
        #expect(partial == Array(place.content.prefix(partial.count)))
        #expect(partial.count >= 1 << 20)
        let next = place.source()
        _ = try await place.fetch(next).run()
        #expect(next.offsets.withLock { $0 } == [Int64(partial.count)])
        #expect(place.published == place.content)
    }

    @Test("A taken name is refused before the first byte, and replaced when that is wanted")
    func exists() async throws {
        let place = try Workplace()
        try place.write([1, 2, 3], to: "in/file.bin")
        let source = place.source()
        #expect(try await failure(of: place.fetch(source)) == .alreadyExists(path: "in/file.bin"))
        #expect(source.offsets.withLock { $0 }.isEmpty)
        #expect(place.published == [1, 2, 3])
        _ = try await place.fetch(source, to: place.staged(.replace)).run()
        #expect(place.published == place.content)
    }

    @Test("A name that is taken meanwhile is refused at the end; the bytes stay for --force")
    func existsMeanwhile() async throws {
        let place = try Workplace()
        let destination = try place.staged()
        _ = try destination.open()
        try place.write([1], to: "in/file.bin")
        #expect(throws: RootedFileError(path: "in/file.bin", reason: .exists)) {
            try destination.publish()
        }
        #expect(place.partial != nil)
    }

    @Test("Two fetches of one file do not write into each other's bytes")
    func twice() async throws {
        let place = try Workplace()
        let first = try place.staged()
        _ = try first.open()
        #expect(
            try await failure(of: place.fetch(place.source()))
                == .inProgress(path: "in/file.bin"))
        withExtendedLifetime(first) {}
    }

    @Test("The caller's descriptor gets the bytes: continued, begun anew, or cut")
    func descriptor() async throws {
        let place = try Workplace()
        let table: [(old: [UInt8], resume: Bool, offsets: [Int64])] = [
            ([], true, [0]), (Array(place.content.prefix(5000)), true, [5000]),
            (Array(place.wrong.prefix(5000)), true, [5000, 0]),
            (Array(place.content.prefix(5000)), false, [0]),
            (place.content + [1, 2, 3], true, []),
        ]
        for (old, resume, offsets) in table {
            try place.write(old, to: "out")
            let descriptor = try FileDescriptor.open(
                FilePath("\(place.folder)/out"), .readWrite)
            let source = place.source()
            _ = try await place.fetch(
                source,
                to: DescriptorDestination(descriptor: descriptor, path: "out", resume: resume)
            ).run()
            try descriptor.close()
            #expect(source.offsets.withLock { $0 } == offsets)
            #expect(place.read("out") == place.content)
        }
    }

    @Test("A disk that fails is named with its path, and no source is blamed")
    func diskFull() async throws {
        let place = try Workplace()
        // Linux: every write to it fails with ENOSPC, full(4).
        let descriptor = try FileDescriptor.open("/dev/full", .readWrite)
        let fetch = try place.fetch(place.source(), to: FullDisk(descriptor: descriptor))
        let error = try await failure(of: fetch)
        let noSpace = RootedFileError(path: "out", reason: .system(.noSpace))
        #expect(error == .disk(DiskError(place: "disk", cause: noSpace)))
        #expect(error.description == "the disk of disk is full: out: No space left on device")
        try descriptor.close()
    }

    @Test("No source at all is an error that says so")
    func nobody() async throws {
        let place = try Workplace()
        #expect(try await failure(of: place.fetch()).description == "no peer has the file")
    }
}

/// Writes to `/dev/full`; the device has no length to find or to cut.
struct FullDisk: FetchDestination {
    let path = "out"
    let place = "disk"
    let descriptor: FileDescriptor

    private var inner: DescriptorDestination {
        DescriptorDestination(descriptor: descriptor, path: path, resume: true)
    }

    func open() throws(FetchError) -> Int64 { 0 }
    func length() throws(RootedFileError) -> Int64 { 0 }
    func reserve(_ size: Int64) throws(RootedFileError) {}
    func read(into buffer: inout [UInt8], at offset: Int64) throws(RootedFileError) -> Int { 0 }
    func truncate(to size: Int64) throws(RootedFileError) {}
    func publish() throws(RootedFileError) {}
    func discard() throws(RootedFileError) {}
    func close() {}

    func write(_ bytes: RawSpan, at offset: Int64) throws(RootedFileError) {
        try inner.write(bytes, at: offset)
    }
}
