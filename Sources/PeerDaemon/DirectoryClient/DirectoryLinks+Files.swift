import AsyncHTTPClient
import Directory
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Overlay

/// What a directory is asked for.
enum DirectoryQuery: Sendable {
    /// A part of a file's name, whatever its case; all when it is empty.
    case containing(String)
    /// 64 lower-case hexadecimal digits. An original directory knows none.
    case sha256(String)
}

/// What a directory says to a search.
struct DirectoryFiles: Sendable {
    /// By peer, those of one URL together; ordered by URL.
    var answers: [PeerAnswer]
    /// Names of peers that have files, and are reached nobody knows where.
    var unreachable: Set<String> = []
    /// There are more than are listed.
    var truncated: Bool
}

extension DirectoryLinks {
    /// Of one search, from all peers (guess).
    static let filesMax = 5000
    /// Of one request; more than a directory gives.
    private static let pageFilesMax = 1000

    /// - Throws: ``RESTLinks/Failure``.
    func files(
        at url: String, _ dialect: DirectorySession.Dialect, _ query: DirectoryQuery,
        timeout: Duration
    ) async throws -> DirectoryFiles {
        switch (dialect, query) {
        case (.current, .containing(let text)):
            try await currentFiles(
                at: url, text.isEmpty ? nil : ("contains", text), timeout: timeout)
        case (.current, .sha256(let digest)):
            try await currentFiles(at: url, ("sha256", digest), timeout: timeout)
        case (.original, .containing(let text)):
            try await originalFiles(at: url, matching: text, timeout: timeout)
        case (.original, .sha256): DirectoryFiles(answers: [], truncated: false)
        }
    }

    private func currentFiles(
        at url: String, _ parameter: (name: String, value: String)?, timeout: Duration
    ) async throws -> DirectoryFiles {
        let end = ContinuousClock.now + timeout
        var target = "\(url)/v1/directory/files?limit=\(Self.pageFilesMax)"
        if let (name, value) = parameter {
            target += "&\(name)=\(PercentEncoding.encode(value: value.utf8))"
        }
        var listing = DirectoryListingCollector()
        var after = ""
        while true {
            let page: CurrentPage = try await document(
                target + after, timeout: max(end - .now, .milliseconds(1)))
            for file in page.files { listing.add(file.held) }
            guard let next = page.next else { return listing.files(truncated: false) }
            if listing.count >= Self.filesMax || ContinuousClock.now >= end {
                return listing.files(truncated: true)
            }
            after = "&after=\(PercentEncoding.encode(value: next.utf8))"
        }
    }

    /// The original finds whole names alone; its list is searched here.
    private func originalFiles(
        at url: String, matching text: String, timeout: Duration
    ) async throws -> DirectoryFiles {
        let page: OriginalPage = try await document("\(url)/ver_archivos", timeout: timeout)
        let wanted = text.lowercased()
        var listing = DirectoryListingCollector()
        for file in page.archivos {
            let held = file.held
            guard wanted.isEmpty || held.file.name.lowercased().contains(wanted) else { continue }
            if listing.count >= Self.filesMax { return listing.files(truncated: true) }
            listing.add(held)
        }
        return listing.files(truncated: false)
    }

    private func document<Document: Decodable>(
        _ target: String, timeout: Duration
    ) async throws -> Document {
        let answer = try await send(
            HTTPClientRequest(url: target), bytesMax: RESTLinks.bodyBytesMax, timeout: timeout)
        guard answer.status == .ok else {
            throw RESTLinks.Failure(
                description: "answered HTTP \(answer.status.code)",
                isFinal: answer.status == .notFound)
        }
        do {
            return try JSONDecoder().decode(
                Document.self, from: Data(answer.body.readableBytesView))
        } catch {
            throw RESTLinks.Failure(description: "sent an answer that cannot be read")
        }
    }
}

/// A file and who has it.
private struct HeldFile {
    var peer: String
    var url: PeerURL?
    var grpc: String?
    var id: String?
    var file: FoundFile
}

/// `GET /v1/directory/files`.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct CurrentPage: Decodable {
    struct File: Decodable {
        var peer: String
        var peer_url: String?
        var grpc: String?
        var peer_id: String?
        var filename: String
        var size: Int64?
        var sha256: String?
        /// Seconds since 1970.
        var modified: Int64?
        var url: LooseText?

        var held: HeldFile {
            let seconds = modified ?? 0
            return HeldFile(
                peer: peer,
                url: peer_url.flatMap { PeerURL(wire: $0) } ?? url?.peer,
                grpc: grpc.map { $0.hasPrefix("grpc://") ? String($0.dropFirst(7)) : $0 },
                id: peer_id,
                file: FoundFile(
                    path: filename, size: size ?? 0,
                    modified: abs(seconds) < 9_000_000_000 ? seconds * 1_000_000_000 : 0,
                    sha256: sha256.flatMap { $0.utf8.count == 64 ? $0.lowercased() : nil }))
        }
    }

    var files: [File]
    var next: String?
}

/// `GET /ver_archivos`.
private struct OriginalPage: Decodable {
    struct File: Decodable {
        var peer: String
        var filename: String
        var url: LooseText?

        var held: HeldFile {
            HeldFile(
                peer: peer, url: url?.peer, grpc: nil, id: nil,
                file: FoundFile(path: filename, size: 0, modified: 0, sha256: nil))
        }
    }

    var archivos: [File]
}

/// A member that may be anything; only a text is looked at.
private struct LooseText: Decodable {
    var text: String?

    init(from decoder: any Decoder) throws {
        do {
            text = try decoder.singleValueContainer().decode(String.self)
        } catch {
            text = nil
        }
    }

    /// The peer that a link `http://HOST:PORT/files/NAME` leads to.
    var peer: PeerURL? {
        guard let text, let end = text.firstRange(of: "/files/")?.lowerBound else { return nil }
        return PeerURL(wire: String(text[..<end]))
    }
}

/// Brings the files of each peer together.
private struct DirectoryListingCollector {
    private var byPeer: [PeerURL: PeerAnswer] = [:]
    private var unreachable: Set<String> = []
    private(set) var count = 0

    mutating func add(_ held: HeldFile) {
        count += 1
        guard let url = held.url else {
            unreachable.insert(held.peer)
            return
        }
        let peer = PeerAddress(
            url: url, name: held.peer, id: held.id, grpc: held.grpc, version: nil)
        byPeer[
            url, default: PeerAnswer(peer: peer, files: [], truncated: false, source: .directory)
        ].files.append(held.file)
    }

    func files(truncated: Bool) -> DirectoryFiles {
        DirectoryFiles(
            answers: byPeer.sorted { $0.key < $1.key }.map { _, answer in
                var answer = answer
                // Two accounts may be of one peer.
                var paths: Set<String> = []
                answer.files = answer.files.filter { paths.insert($0.path).inserted }
                return answer
            }, unreachable: unreachable, truncated: truncated)
    }
}
