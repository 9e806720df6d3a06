import Logging
import Transfer

/// Which way a file comes: in pieces from all holders at once, and from those that know no pieces as a
/// stream, from one after the other.
extension Fetches {
    typealias Follow = @Sendable (any Reception) async throws -> Void

    /// - Parameter follow: Tells who waits how far it is, until the reception has ended.
    func receive(
        _ found: FileFinder.Found, for request: Request, follow: @escaping Follow
    ) async throws -> FetchResult {
        let inPieces = found.holders.filter { $0.peer.grpc != nil }
        guard !inPieces.isEmpty else {
            return try await run(try stream(found, found.holders, request), found, follow)
        }
        let onlyStreams = found.holders.filter { $0.peer.grpc == nil }
        let download = try download(found, inPieces, request, isAlone: onlyStreams.isEmpty)
        do {
            return try await Self.run(download, follow)
        } catch FetchError.sourcesFailed(let failures) {
            let undescribed = inPieces.filter { holder in
                download.lacksManifest && failures.contains { $0.isOfOldVersion(holder) }
            }
            let others = onlyStreams + undescribed
            guard !others.isEmpty else {
                throw failure(
                    .sourcesFailed(failures), found, received: download.receivedBytes)
            }
            logger.info(
                "no source gives it in pieces, others give it as a stream",
                metadata: ["transfer": "\(found.path)", "sources": "\(others.count)"])
            return try await run(try stream(found, others, request), found, follow)
        } catch let error as FetchError {
            throw failure(error, found, received: download.receivedBytes)
        }
    }

    private func run(
        _ reception: any Reception, _ found: FileFinder.Found, _ follow: @escaping Follow
    ) async throws -> FetchResult {
        do {
            return try await Self.run(reception, follow)
        } catch let error as FetchError {
            throw failure(error, found, received: reception.receivedBytes)
        }
    }

    private static func run(
        _ reception: any Reception, _ follow: @escaping Follow
    ) async throws -> FetchResult {
        try await withThrowingTaskGroup(of: FetchResult?.self) { group in
            group.addTask { try await reception.run() }
            group.addTask {
                try await follow(reception)
                return nil
            }
            while let finished = try await group.next() {
                guard let finished else { continue }
                // What is still to be told is told by the last progress.
                group.cancelAll()
                return finished
            }
            preconditionFailure("a fetch ended without a result")
        }
    }

    // MARK: - The two ways

    /// - Parameter isAlone: Whether nothing follows it when its sources fail.
    private func download(
        _ found: FileFinder.Found, _ holders: [FileFinder.Holder], _ request: Request,
        isAlone: Bool
    ) throws -> Download {
        let start = ContinuousClock.now
        let finder = FileFinder(peer: peer, links: links)
        // Who names a peer wants it from there.
        let findsOthers = request.wanted.peer == nil
        let own = peer.identity.url
        var surroundings = Download.Surroundings(
            store: store, seed: .random(in: .min ... .max), now: { .now - start },
            unixTime: { Int64(WallClock.milliseconds() / 1000) },
            findSources: { [links] in
                guard findsOthers else { return [] }
                let holders = await finder.holders(of: found).filter { $0.peer.url != own }
                return Self.pieceSources(holders, links)
            })
        surroundings.leavesPrefix = !isAlone
        return Download(
            sha256: found.sha256, sources: Self.pieceSources(holders, links),
            destination: try destination(of: found, request.target), logger: logger,
            surroundings: surroundings)
    }

    /// One for each peer, even if it has several copies.
    private static func pieceSources(
        _ holders: [FileFinder.Holder], _ links: PeerLinks
    ) -> [Download.Source] {
        var seen: Set<String> = []
        return holders.compactMap { holder in
            guard let address = holder.peer.grpc, seen.insert(address).inserted else { return nil }
            let candidate = FetchCandidate(
                peer: holder.peer.name, path: holder.path, size: holder.size,
                id: "\(address) \(holder.path)")
            return Download.Source(
                offer: SourceOffer(candidate: candidate),
                reader: GRPCFileSource(links: links, address: address))
        }
    }

    private func stream(
        _ found: FileFinder.Found, _ holders: [FileFinder.Holder], _ request: Request
    ) throws -> Fetch {
        let sources = holders.map { holder in
            let candidate = FetchCandidate(
                peer: holder.peer.name, path: holder.path, size: holder.size)
            guard let address = holder.peer.grpc else {
                return Fetch.Source(
                    candidate: candidate,
                    reader: RESTFileSource(links: links.rest, peer: holder.peer.url))
            }
            return Fetch.Source(
                candidate: candidate, reader: GRPCFileSource(links: links, address: address))
        }
        return Fetch(
            sha256: found.sha256, sources: sources,
            destination: try destination(of: found, request.target), logger: logger)
    }
}

extension FetchFailure {
    /// Whether the holder gives no manifest, or what it gave may be right and nothing could tell.
    fileprivate func isOfOldVersion(_ holder: FileFinder.Holder) -> Bool {
        guard peer == holder.peer.name, path == holder.path else { return false }
        return if case .refused = reason { true } else { reason == .mismatch }
    }
}
