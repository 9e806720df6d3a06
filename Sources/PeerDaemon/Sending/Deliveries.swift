import GRPCCore
import GRPCNghttp2
import GRPCProtobuf
import Locking
import Logging
import Overlay
import PeerWire
import RootedFiles

/// The files that local callers send to other peers, at most ``activeMax`` at once, by the
/// `UploadFile` of the directory system, which every kind of peer has that takes files at all.
final class Deliveries: Sendable {
    /// More than this only makes each slower.
    static let activeMax = 16
    /// A receiver that takes nothing for this long is given up.
    static let stallMax = Duration.seconds(60)
    /// A receiver may have to read and sync the whole file before it answers.
    static let confirmationMax = Duration.seconds(600)
    private static let chunkBytes = SeedFiles.chunkBytes

    struct Request: Sendable {
        var file: OpenFile
        /// What it is to be called there.
        var name: String
        /// A peer's name, URL or the beginning of its id.
        var peer: String
    }

    /// `org.p2ppeer.Admin`'s PutState.
    enum Stage: String, Sendable {
        case sending, confirming, done
    }

    struct Progress: Sendable {
        var stage = Stage.sending
        var name: String
        var peer: String
        var size: Int64
        var sent: Int64 = 0
        /// What the peer said.
        var message: String?
        var elapsed = Duration.zero
    }

    enum Failure: Error {
        case busy
        case failed(name: String, peer: String, reason: String, sent: Int64, size: Int64)
    }

    private let peer: Peer
    private let links: PeerLinks
    private let transfers: TransferCounters
    private let logger: Logger
    private let active = Locked(0)

    init(peer: Peer, links: PeerLinks, transfers: TransferCounters, logger: Logger) {
        self.peer = peer
        self.links = links
        self.transfers = transfers
        self.logger = logger
    }

    /// Sends one file; cancelling makes the receiver throw away what it has.
    ///
    /// - Parameter report: Told about ten times a second how far it is.
    /// - Returns: The last progress, `done`.
    /// - Throws: ``Failure``, ``NoSuchPeer``, `RootedFileError`.
    func run(
        _ request: Request, report: @escaping @Sendable (Progress) -> Void
    ) async throws -> Progress {
        guard
            active.withLock({ count in
                defer { if count < Self.activeMax { count += 1 } }
                return count < Self.activeMax
            })
        else { throw Failure.busy }
        defer { active.withLock { $0 -= 1 } }
        let begin = ContinuousClock.now
        let member = try await peer.member(named: request.peer)
        let status = try request.file.status()
        var progress = Progress(
            name: request.name, peer: member.info?.name ?? member.url.description,
            size: status.size)
        report(progress)
        let sent = SentBytes()
        do {
            progress.message = try await transfers.counted(.sent) { [progress] in
                try await send(request, status, to: member, progress, sent: sent, report)
            }
        } catch let refusal as Refusal {
            throw failure(refusal.reason, progress, sent: sent.count)
        } catch let error as RPCError {
            throw failure(Self.reason(of: error), progress, sent: sent.count)
        }
        transfers.add(.sent, bytes: progress.size)
        progress.stage = .done
        progress.sent = progress.size
        progress.elapsed = .now - begin
        logger.info(
            "sent a file",
            metadata: [
                "transfer": "\(progress.name)", "bytes": "\(progress.size)",
                "peer_name": "\(progress.peer)",
                "milliseconds": "\(progress.elapsed.wholeMilliseconds)",
            ])
        return progress
    }

    /// - Returns: What the peer says.
    private func send(
        _ request: Request, _ status: FileStatus, to member: Member, _ progress: Progress,
        sent: SentBytes,
        _ report: @escaping @Sendable (Progress) -> Void
    ) async throws -> String {
        guard let address = member.info?.grpc else {
            throw Refusal(reason: "it speaks only REST, which takes no files")
        }
        let client = try links.client(of: address)
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await self.upload(request, status, by: client, sent: sent) }
            group.addTask {
                try await Self.follow(progress, sent: sent, report)
                return nil
            }
            while let finished = try await group.next() {
                guard let message = finished else { continue }
                group.cancelAll()
                return message
            }
            preconditionFailure("an upload ended without an answer")
        }
    }

    private func upload(
        _ request: Request, _ status: FileStatus, by client: PeerLinks.Client, sent: SentBytes
    ) async throws -> String {
        let file = FileSending(
            file: request.file, status: status, range: 0..<status.size,
            chunkBytes: Self.chunkBytes)
        let call = StreamingClientRequest<FileChunk> { writer in
            do {
                if file.range.isEmpty {
                    try await writer.write(
                        .uploaded(
                            request.name, FileSlice(file: request.file, offset: 0, count: 0)))
                }
                try await file.write(into: writer) { number, offset, slice in
                    sent.count = offset
                    return .uploaded(number == 1 ? request.name : nil, slice)
                }
                sent.count = file.range.upperBound
            } catch {
                sent.fault = error as? RPCError
                throw error
            }
        }
        let answer: Peer_UploadResponse
        do {
            answer = try await client.clientStreaming(
                request: call, descriptor: Peer_PeerService.Method.UploadFile.descriptor,
                serializer: FileChunkSerializer(),
                deserializer: ProtobufDeserializer<Peer_UploadResponse>(), options: .defaults
            ) { try $0.message }
        } catch {
            // A file that changed is the reason for the cancelled call that follows from it.
            throw sent.fault?.code == .aborted ? sent.fault ?? error : error
        }
        guard answer.ok else {
            throw Refusal(reason: answer.message.isEmpty ? "it gives no reason" : answer.message)
        }
        return answer.message
    }

    /// Passes the newest progress on, about ten times a second, until it is cancelled.
    private static func follow(
        _ first: Progress, sent: SentBytes, _ report: @Sendable (Progress) -> Void
    ) async throws {
        let begin = ContinuousClock.now
        var (progress, lastChange) = (first, begin)
        while true {
            do {
                try await Task.sleep(for: .milliseconds(100))
            } catch {
                return
            }
            let now = ContinuousClock.now
            let count = sent.count
            if count != progress.sent { lastChange = now }
            progress.sent = count
            progress.stage = count == progress.size ? .confirming : .sending
            progress.elapsed = now - begin
            report(progress)
            let limit = progress.stage == .sending ? stallMax : confirmationMax
            if now - lastChange > limit {
                throw Refusal(reason: "nothing has happened for \(limit.components.seconds) s")
            }
        }
    }

    private static func reason(of error: RPCError) -> String {
        switch error.code {
        case .unimplemented: "it takes no files (its version may be too old for that)"
        default: PeerLinks.reason(of: error)
        }
    }

    private func failure(_ reason: String, _ progress: Progress, sent: Int64) -> Failure {
        // Whoever asked for it is told; for the operator it is one of many calls.
        logger.info(
            "could not send a file",
            metadata: [
                "transfer": "\(progress.name)", "peer_name": "\(progress.peer)",
                "reason": "\(reason)", "bytes": "\(sent)", "size": "\(progress.size)",
            ])
        return .failed(
            name: progress.name, peer: progress.peer, reason: reason, sent: sent,
            size: progress.size)
    }
}

/// The peer says no, or cannot be asked.
private struct Refusal: Error {
    let reason: String
}

/// How far the sending task is, for the one that reports.
private final class SentBytes: Sendable {
    private let state = Locked((count: Int64(0), fault: RPCError?.none))

    var count: Int64 {
        get { state.withLock { $0.count } }
        set { state.withLock { $0.count = newValue } }
    }

    /// Why sending stopped.
    var fault: RPCError? {
        get { state.withLock { $0.fault } }
        set { state.withLock { $0.fault = newValue } }
    }
}
