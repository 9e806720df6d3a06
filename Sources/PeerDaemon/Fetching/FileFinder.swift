import GRPCCore
import Overlay
import PeerWire
import RootedFiles
import SwiftProtobuf

/// Finds who has the file that somebody wants, so that it can be fetched by its SHA-256.
struct FileFinder: Sendable {
    /// What is wanted: one of the first two at least.
    struct Wanted: Sendable {
        var path: String?
        var sha256: String?
        /// A peer's name, URL or the beginning of its id.
        var peer: String?

        var description: String {
            let what = path ?? sha256.map { "sha256:\($0)" } ?? ""
            return peer.map { "\(what) at \($0)" } ?? what
        }
    }

    /// One content, and who has it.
    struct Found: Sendable {
        var path: String
        var size: Int64
        var sha256: String
        var holders: [Holder]
    }

    struct Holder: Sendable {
        var peer: PeerAddress
        var path: String
        var size: Int64
    }

    enum Failure: Error {
        /// - Parameter here: Where this peer itself has it.
        case notFound(String, SearchCoverage?, here: String?)
        /// One path, several contents.
        case ambiguous(String, [PeerAnswer])
        /// Those that have it could not say what is in it.
        case unproved(String)
    }

    /// Peers that are asked at once for a checksum or a SHA-256.
    static let askedAtOnce = 16
    /// Peers that are asked for a SHA-256 that no search finds.
    static let askedMax = 1000
    /// A holder may have to read the whole file first.
    static let checksumTimeout = Duration.seconds(600)

    let peer: Peer
    let links: PeerLinks

    func find(_ wanted: Wanted) async throws -> Found {
        let (answers, coverage) = try await answers(wanted)
        let matches = await hashed(answers)
        guard !matches.isEmpty else {
            if let answer = answers.first, let file = answer.files.first {
                throw Failure.unproved(
                    "\(answer.peer.name) has \(file.path), but does not tell its SHA-256")
            }
            throw Failure.notFound(wanted.description, coverage, here: await ownPath(of: wanted))
        }
        let contents = Dictionary(grouping: matches) { $0.file.sha256 ?? "" }
        guard contents.count == 1, let first = matches.first, let sha256 = first.file.sha256 else {
            throw Failure.ambiguous(
                wanted.description,
                matches.map { PeerAnswer(peer: $0.peer, files: [$0.file], truncated: false) })
        }
        let holders = matches.map { Holder(peer: $0.peer, path: $0.file.path, size: $0.file.size) }
        return Found(
            path: first.file.path, size: first.file.size, sha256: sha256, holders: holders)
    }

    /// Others who have this content by now; those that would have to hash it first are not asked.
    func holders(of found: Found) async -> [Holder] {
        let (answers, _) = await searched(found.path)
        let all = answers + (await listed(found.sha256, besides: answers))
        return all.flatMap { answer in
            answer.files.filter { $0.sha256 == found.sha256 }.map {
                Holder(peer: answer.peer, path: $0.path, size: $0.size)
            }
        }
    }

    /// The absolute path of what this peer itself has of it.
    private func ownPath(of wanted: Wanted) async -> String? {
        guard wanted.peer == nil else { return nil }
        do {
            let files: [FoundFile]
            if let sha256 = wanted.sha256 {
                files = try await peer.files(sha256: sha256)
            } else if let path = wanted.path {
                // As in a search, a path without a folder is a name.
                files = try await [peer.file(at: path)].compactMap { $0 } + peer.files(named: path)
            } else {
                files = []
            }
            return files.first.map { "\(peer.identity.sharedDirectory)/\($0.path)" }
        } catch {
            // Nothing was found elsewhere: that is what the user is told then.
            return nil
        }
    }

    // MARK: - Who says that it has it

    private func answers(_ wanted: Wanted) async throws -> ([PeerAnswer], SearchCoverage?) {
        if let name = wanted.peer {
            let member = try await peer.member(named: name)
            return (try await stat(wanted, at: [member]), nil)
        }
        if let sha256 = wanted.sha256 {
            let alive = await peer.members().filter { $0.state == .alive }
            let answers = try await stat(wanted, at: Array(alive.prefix(Self.askedMax)))
            return (answers + (await listed(sha256, besides: answers)), nil)
        }
        return await searched(wanted.path ?? "")
    }

    /// A path without a folder is a name, wherever the file is.
    private func searched(_ path: String) async -> ([PeerAnswer], SearchCoverage?) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var answers: [PeerAnswer] = []
        var coverage: SearchCoverage?
        for await event in await peer.search(SearchRequest(text: name)) {
            switch event {
            case .answer(var answer):
                guard answer.peer.url != peer.identity.url else { continue }
                answer.files = answer.files.filter { $0.path == path || $0.name == path }
                if !answer.files.isEmpty { answers.append(answer) }
            case .failure: continue
            case .end(let end): coverage = end
            }
        }
        return (answers, coverage)
    }

    /// Asks peers directly what they have under a path or SHA-256.
    private func stat(_ wanted: Wanted, at members: [Member]) async throws -> [PeerAnswer] {
        let answers = await limited(members) { member in
            if let grpc = member.info?.grpc {
                return await stat(at: grpc, path: wanted.path, sha256: wanted.sha256).map { file in
                    PeerAnswer(peer: PeerAddress(member), files: [file], truncated: false)
                }
            }
            return await listed(wanted, at: member)
        }
        return answers.compactMap { $0 }
    }

    /// Peers of which the directory knows that they have it.
    private func listed(_ sha256: String, besides known: [PeerAnswer]) async -> [PeerAnswer] {
        guard let directory = peer.directory else { return [] }
        let findings = await directory.files(
            .sha256(sha256.lowercased()), timeout: peer.settings.searchTimeout)
        let others = Set(known.map(\.peer.url)).union([peer.identity.url])
        return findings.answers.filter { !others.contains($0.peer.url) }
    }

    /// At a peer that speaks only REST.
    private func listed(_ wanted: Wanted, at member: Member) async -> PeerAnswer? {
        do {
            var answer = try await links.rest.files(
                of: member.url, matching: wanted.path ?? "", limit: SearchLimits.filesMax,
                timeout: RESTLinks.timeout)
            answer.files = answer.files.filter { file in
                wanted.sha256.map { file.sha256 == $0 } ?? (file.path == wanted.path)
            }
            return answer.files.isEmpty ? nil : answer
        } catch {
            return nil
        }
    }

    /// nil when it does not have the file, or cannot be asked.
    private func stat(at address: String, path: String?, sha256: String?) async -> FoundFile? {
        var options = CallOptions.defaults
        options.timeout = Self.checksumTimeout
        do {
            let files = P2p_V1_Files.Client(wrapping: try links.client(of: address))
            let request = P2p_V1_StatRequest.with {
                $0.path = path ?? ""
                $0.sha256 = .init(hexadecimal: sha256 ?? "")
                $0.checksum = true
            }
            return FoundFile(try await files.stat(request, options: options).file)
        } catch {
            return nil
        }
    }

    // MARK: - What is in it

    /// The files with their SHA-256; those that have none yet are asked for it.
    private func hashed(
        _ answers: [PeerAnswer]
    ) async -> [(peer: PeerAddress, file: FoundFile)] {
        let files = answers.flatMap { answer in answer.files.map { (answer.peer, $0) } }
        return await limited(files) { peer, file in
            if file.sha256 != nil { return (peer, file) }
            guard let address = peer.grpc,
                let known = await stat(at: address, path: file.path, sha256: nil),
                known.sha256 != nil
            else { return nil }
            return (peer, known)
        }.compactMap { $0 }
    }

    /// `body` for every element, at most ``askedAtOnce`` at a time; results in the elements' order.
    private func limited<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            var results: [Int: Result] = [:]
            for (index, element) in elements.enumerated() {
                if index >= Self.askedAtOnce, let (done, result) = await group.next() {
                    results[done] = result
                }
                group.addTask { (index, await body(element)) }
            }
            for await (done, result) in group { results[done] = result }
            return results.sorted { $0.key < $1.key }.map(\.value)
        }
    }
}

extension PeerAddress {
    init(_ member: Member) {
        self.init(
            url: member.url, name: member.info?.name ?? member.url.description,
            id: member.info?.id, grpc: member.info?.grpc, version: member.info?.version)
    }
}
