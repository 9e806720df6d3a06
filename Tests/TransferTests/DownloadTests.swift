import Locking
import Logging
import RootedFiles
import SystemPackage
import Testing

@testable import Transfer

@Suite struct DownloadTests {
    /// A download into `place` from p0, p1...; `late` are found by a search only.
    static func download(
        _ place: Workplace, _ sources: [MemoryPieceSource], late: [MemoryPieceSource] = [],
        store: TransferStore? = nil, destination: (any FetchDestination)? = nil,
        stallTimeout: Duration = .seconds(60), attemptsMax: Int = 6,
        onTick: @escaping @Sendable () -> Void = {}
    ) throws -> Download {
        func named(_ sources: [MemoryPieceSource], _ prefix: String) -> [Download.Source] {
            sources.enumerated().map { number, source in
                Download.Source(
                    offer: SourceOffer(
                        candidate: FetchCandidate(
                            peer: "\(prefix)\(number)", path: "f", size: Int64(source.bytes.count))
                    ), reader: source)
            }
        }
        let found = named(late, "late")
        let start = ContinuousClock.now
        var configuration = DownloadConfiguration()
        configuration.stallTimeout = stallTimeout
        configuration.attemptsMax = attemptsMax
        configuration.backoffMin = .milliseconds(10)
        configuration.searchInterval = .milliseconds(100)
        var surroundings = Download.Surroundings(
            store: store, seed: 1, now: { .now - start }, unixTime: { 0 },
            findSources: { found })
        surroundings.sleep = { [pausing = surroundings.sleep] pause in
            try await pausing(pause)
            if pause == Download.tick { onTick() }
        }
        return Download(
            sha256: place.key.string, sources: named(sources, "p"),
            destination: try destination ?? place.staged(), configuration: configuration,
            logger: Logger(label: "test"),
            surroundings: surroundings)
    }

    static func failure(of download: Download) async -> FetchError? {
        do {
            let result = try await download.run()
            Issue.record("the download succeeded: \(result)")
            return nil
        } catch {
            return error
        }
    }

    /// - Parameter afresh: Whether nothing is there, so that it begins on trust; else with a manifest.
    static func workplace(afresh: Bool) throws -> Workplace {
        let place = try Workplace()
        if !afresh { try place.beginPartial([~place.content[0]]) }
        return place
    }

    @Test(
        "A file comes from two sources at once, whole, and nothing stays in the staging area",
        arguments: [true, false])
    func twoSources(afresh: Bool) async throws {
        let place = try Self.workplace(afresh: afresh)
        let sources = [MemoryPieceSource(place.content), MemoryPieceSource(place.content)]
        let download = try Self.download(place, sources)
        let result = try await download.run()
        #expect(result.size == Int64(place.content.count) && result.resumed == 0)
        #expect(sources.allSatisfy { $0.askedBytes > 0 })
        #expect(sources.map { $0.manifestCalls.withLock { $0 } } == [afresh ? 0 : 1, 0])
        #expect(place.published == place.content)
        #expect(place.partial == nil)
    }

    @Test("A file of one piece is one request without a manifest; an empty one is none")
    func small() async throws {
        for bytes in [0, 1, 1 << 20] {
            let place = try Workplace(bytes: bytes)
            let source = MemoryPieceSource(place.content)
            _ = try await Self.download(place, [source]).run()
            #expect(place.published == place.content)
            #expect(source.manifestCalls.withLock { $0 } == 0)
            #expect(source.askedBytes == bytes)
        }
    }

    static let rogues: [MemoryPieceSource.Manner] = [
        .lies([0]), .lies([1, 3]), .forges, .short, .shuffles, .silent, .endless, .refuses,
        .malformedManifest(ManifestPage(size: 1, firstPiece: 0, digests: [])),
        .malformedManifest(
            ManifestPage(
                size: 3 << 20 | 12_345, firstPiece: 0, digests: Array(repeating: 0, count: 32))),
    ]

    @Test(
        "With a rogue first, it ends right from the honest one", arguments: rogues.indices,
        [true, false])
    func rogue(index: Int, afresh: Bool) async throws {
        let place = try Self.workplace(afresh: afresh)
        let rogue = MemoryPieceSource(place.content, Self.rogues[index])
        _ = try await Self.download(
            place, [rogue, MemoryPieceSource(place.content)], stallTimeout: .milliseconds(500)
        ).run()
        #expect(place.published == place.content)
        #expect(place.partial == nil)
    }

    /// One that goes on after its pieces has given them.
    static let hopeless = rogues.indices.filter {
        if case .endless = rogues[$0] { false } else { true }
    }

    /// On trust nobody is asked for a manifest.
    static func isHarmless(_ manner: MemoryPieceSource.Manner, afresh: Bool) -> Bool {
        if case .malformedManifest = manner { afresh } else { false }
    }

    @Test(
        "A rogue alone is named, and nothing is published", arguments: hopeless, [true, false])
    func rogueAlone(index: Int, afresh: Bool) async throws {
        let place = try Self.workplace(afresh: afresh)
        let rogue = MemoryPieceSource(place.content, Self.rogues[index])
        let download = try Self.download(
            place, [rogue], stallTimeout: .milliseconds(500), attemptsMax: 2)
        guard !Self.isHarmless(rogue.manner, afresh: afresh) else {
            _ = try await download.run()
            #expect(place.published == place.content)
            return
        }
        let error = await Self.failure(of: download)
        guard case .sourcesFailed(let failures) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(failures.map(\.peer) == ["p0"] && failures[0].reason != .notTried)
        #expect(place.published == nil)
    }

    @Test("One that only goes silent has stalled, and is named so")
    func silentAlone() async throws {
        let place = try Workplace()
        let error = await Self.failure(
            of: try Self.download(
                place, [MemoryPieceSource(place.content, .silent)],
                stallTimeout: .milliseconds(300), attemptsMax: 2))
        let failure = FetchFailure(peer: "p0", path: "f", reason: .stalled)
        #expect(error == .sourcesFailed([failure]))
    }

    @Test("A disk that stands still for longer than a source may is no fault of the source")
    func slowDisk() async throws {
        let place = try Workplace()
        let gate = try FileDescriptor.pipe()
        defer {
            try? gate.readEnd.close()
            try? gate.writeEnd.close()
        }
        let ticks = Locked(0)
        let source = MemoryPieceSource(place.content)
        let download = try Self.download(
            place, [source],
            destination: GatedDestination(inner: try place.staged(), gate: gate.readEnd),
            stallTimeout: .milliseconds(500), attemptsMax: 1
        ) {
            // Two seconds and more, in which nothing is written.
            let count = ticks.withLock { count in
                count += 1
                return count
            }
            if count == 9 { _ = try? gate.writeEnd.writeAll([1]) }
        }
        _ = try await download.run()
        #expect(place.published == place.content)
        #expect(ticks.withLock { $0 } >= 9)
        #expect(source.askedBytes == place.content.count)
    }

    @Test("A source that knows no manifests gives pieces by that of another")
    func withoutManifest() async throws {
        let place = try Self.workplace(afresh: false)
        let old = MemoryPieceSource(place.content, .describesNothing)
        let sources = [old, MemoryPieceSource(place.content)]
        _ = try await Self.download(place, sources).run()
        #expect(place.published == place.content)
        #expect(old.askedBytes > 0)
    }

    @Test("A holder that a search finds later takes part")
    func late() async throws {
        let place = try Workplace()
        let late = MemoryPieceSource(place.content)
        _ = try await Self.download(
            place, [MemoryPieceSource(place.content, .refuses)], late: [late]
        )
        .run()
        #expect(place.published == place.content)
    }

    @Test(
        "Cancelled and begun again, proved pieces are not fetched again", arguments: [true, false])
    func resumed(hasStore: Bool) async throws {
        let place = try Workplace()
        let store = hasStore ? try TransferStore(path: "\(place.folder)/transfers.sqlite") : nil
        let first = MemoryPieceSource(place.content, .waits(after: 2))
        let download = try Self.download(place, [first], store: store)
        let run = Task { await Self.failure(of: download) }
        for await _ in first.isWaiting.stream { break }
        for await progress in download.progress where progress.received >= 1 << 20 { break }
        let verified = download.receivedBytes
        run.cancel()
        #expect(await run.value == .cancelled)
        #expect(place.published == nil)

        let second = MemoryPieceSource(place.content)
        let result = try await Self.download(place, [second], store: store).run()
        #expect(place.published == place.content)
        // What was written in the last tenth of a second may not be written down.
        if !hasStore { #expect(second.askedBytes <= place.content.count - Int(verified)) }
        #expect(result.resumed + Int64(second.askedBytes) >= Int64(place.content.count))
        #expect(try await store?.download(place.key.string) == nil)
    }

    @Test("A disk that lost what was remembered is found out before anything is published")
    func lostBytes() async throws {
        let place = try Workplace()
        let store = try TransferStore(path: "\(place.folder)/transfers.sqlite")
        let layout = PieceLayout(size: Int64(place.content.count))
        let pages = PageAssembly(size: layout.size)
        try await MemoryPieceSource(place.content).manifest(sha256: "", path: "") {
            try pages.append($0)
        }
        try await store.begin(
            place.key.string, manifest: try pages.manifest(),
            verified: PieceSet(allOf: layout.pieceCount), now: 0)
        try place.beginPartial(Array(place.content[..<(1 << 20)] + place.wrong[(1 << 20)...]))
        let source = MemoryPieceSource(place.content)
        _ = try await Self.download(place, [source], store: store).run()
        #expect(place.published == place.content)
        #expect(source.askedBytes == place.content.count - 1 << 20)
    }

    @Test("A taken name is refused before the first byte; a failing disk is named")
    func disk() async throws {
        let place = try Workplace()
        try place.write([1], to: "in/file.bin")
        let source = MemoryPieceSource(place.content)
        let taken = try Self.download(place, [source])
        #expect(await Self.failure(of: taken) == .alreadyExists(path: "in/file.bin"))
        #expect(source.askedBytes == 0 && place.published == [1])

        let full = try FileDescriptor.open("/dev/full", .readWrite)
        defer { try? full.close() }
        let failing = try Self.download(
            place, [source], destination: FullDisk(descriptor: full))
        let noSpace = RootedFileError(path: "out", reason: .system(.noSpace))
        #expect(await Self.failure(of: failing) == .disk(DiskError(place: "disk", cause: noSpace)))
    }
}

/// A shared directory whose disk takes its first piece only when a byte is there to be read.
private final class GatedDestination: FetchDestination {
    private let inner: StagedDestination
    private let gate: FileDescriptor
    private let isOpen = Locked(false)

    init(inner: StagedDestination, gate: FileDescriptor) {
        self.inner = inner
        self.gate = gate
    }

    var path: String { inner.path }
    var place: String { inner.place }

    func open() throws(FetchError) -> Int64 { try inner.open() }
    func length() throws(RootedFileError) -> Int64 { try inner.length() }
    func reserve(_ size: Int64) throws(RootedFileError) { try inner.reserve(size) }
    func read(into buffer: inout [UInt8], at offset: Int64) throws(RootedFileError) -> Int {
        try inner.read(into: &buffer, at: offset)
    }
    func truncate(to size: Int64) throws(RootedFileError) { try inner.truncate(to: size) }
    func publish() throws(RootedFileError) { try inner.publish() }
    func discard() throws(RootedFileError) { try inner.discard() }
    func close() { inner.close() }

    func write(_ bytes: RawSpan, at offset: Int64) throws(RootedFileError) {
        // The others wait with the first.
        isOpen.withLock { isOpen in
            guard !isOpen else { return }
            withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { byte in
                _ = try? gate.read(into: byte)
            }
            isOpen = true
        }
        try inner.write(bytes, at: offset)
    }
}
