import AdminWire
import Catalog
import Directory
import Glibc
import Logging
import Overlay
import Varlink

/// `org.p2ppeer.Admin`: what p2padm and other local programs ask and order.
///
/// A socket that is not writable answers what changes nothing; the kernel's permissions on the socket
/// say who may connect at all.
struct AdminService: VarlinkInterface {
    /// Files in one reply of `Files`.
    static let pageFiles = 500
    /// Changing calls are answered on this listener alone.
    static let writableListener = "admin"
    static let writableGroup = "p2p-admin"

    let description: InterfaceDescription
    let peer: Peer
    let fetches: Fetches
    let deliveries: Deliveries
    let rest: RESTLinks
    /// nil: this daemon is none.
    let directory: DirectoryRole?
    let transfers: TransferCounters
    let reload: @Sendable () async throws -> ReloadOutcome
    let logger: Logger

    func handle(_ call: VarlinkCall) async throws -> VarlinkReply {
        switch call.method {
        case "Status": return VarlinkReply(await status())
        case "Peers": return VarlinkReply(Admin.Peers(peers: await peers()))
        case "Graph": return VarlinkReply(await graph())
        case "Files": return try await files(call)
        case "Search": return try await search(call)
        case "Get": return try await get(changing(call))
        case "GetTree": return try await getTree(changing(call))
        case "Put": return try await put(changing(call))
        case "ListTransfers": return VarlinkReply(runningTransfers())
        case "CancelTransfer": return try cancelTransfer(changing(call))
        case "Bootstrap": return VarlinkReply(await bootstrap(try changing(call)))
        case "Reload": return try await reloadConfiguration(changing(call))
        case "Rescan": return try await rescan(changing(call))
        case "ListUsers": return try await users(call)
        case "AddUser": return try await addUser(changing(call))
        case "SetPassword": return try await setPassword(changing(call))
        case "DisableUser": return try await setDisabled(true, changing(call))
        case "EnableUser": return try await setDisabled(false, changing(call))
        case "RemoveUser": return try await removeUser(changing(call))
        default: throw VarlinkError.methodNotImplemented(call.qualifiedMethod)
        }
    }

    func error(for error: any Error) -> VarlinkError {
        switch error {
        case Fetches.Failure.busy:
            AdminError.busy("\(Fetches.activeMax) transfers run already")
        case Fetches.Failure.alreadyExists(let path):
            AdminError.alreadyExists(path)
        case Fetches.Failure.failed(let path, let reason, let received, let size):
            AdminError.transferFailed(path, reason, received: received, size: size)
        case FileFinder.Failure.notFound(let what, let coverage, let here):
            AdminError.notFound(what, coverage, here: here)
        case FileFinder.Failure.ambiguous(let path, let choices):
            AdminError.ambiguous(path, choices)
        case let error as NoSuchPeer:
            AdminError.invalidArgument("peer", error.reason)
        case Deliveries.Failure.busy:
            AdminError.busy("\(Deliveries.activeMax) uploads run already")
        case Deliveries.Failure.failed(let name, let peer, let reason, let sent, let size):
            AdminError.uploadFailed(name, peer, reason, sent: sent, size: size)
        case FileFinder.Failure.unproved(let reason):
            AdminError.failed(reason)
        case let error as DirectoryError:
            AdminError.directory(error)
        default:
            AdminError.failed("\(error)")
        }
    }

    /// Notes who orders a change, and refuses it on a socket for reading.
    private func changing(_ call: VarlinkCall) throws(VarlinkError) -> VarlinkCall {
        guard call.listener == Self.writableListener else {
            throw AdminError.permissionDenied(group: Self.writableGroup)
        }
        logger.info(
            "admin call",
            metadata: [
                "method": "\(call.method)", "caller_pid": "\(call.peer?.processID ?? 0)",
                "caller_uid": "\(call.peer.map { "\($0.userID)" } ?? "unknown")",
            ])
        return call
    }

    // MARK: - What is

    private func status() async -> Admin.Status {
        let identity = peer.identity
        let members = await peer.members()
        let totals = peer.catalog.totals
        let catalog = peer.catalog.status
        let moved = transfers.current
        return Admin.Status(
            name: identity.name, id: identity.id, version: identity.version,
            url: identity.url.description, pid: Int(getpid()),
            uptime_ms: peer.uptime.wholeMilliseconds,
            config_file: identity.configurationFile, shared_dir: identity.sharedDirectory,
            state_dir: identity.stateDirectory,
            ports: Admin.Ports(
                rest: identity.ports.rest, grpc: identity.ports.grpc,
                metrics: identity.ports.metrics),
            catalog: Admin.Catalog(
                files: Int(totals.files), bytes: Int(totals.bytes), hashed: Int(totals.hashed),
                state: catalog.state.rawValue, watching: catalog.state == .watching,
                detail: catalog.detail),
            peers_alive: members.count { $0.state == .alive }, peers_known: members.count,
            transfers: Admin.Transfers(
                active: moved.active, done: moved.done, failed: moved.failed,
                bytes_received: Int(moved.bytesReceived), bytes_sent: Int(moved.bytesSent)),
            directory: await directoryStatus(), login: peer.directory?.client.map(Admin.Login.init))
    }

    private func directoryStatus() async -> Admin.Directory? {
        guard let directory else { return nil }
        let figures = await directory.figures()
        return Admin.Directory(
            store: directory.storeName, peers: figures?.peers, accounts: figures?.accounts,
            files: figures?.files)
    }

    // MARK: - Finding

    private func search(_ call: VarlinkCall) async throws -> VarlinkReply {
        let query = try call.parameters(as: Admin.SearchQuery.self)
        let request = try SearchRequest(
            query, settings: peer.settings, hasDirectory: peer.hasDirectory)
        var answers: [Admin.Answer] = []
        for await event in await peer.search(request) {
            switch event {
            case .answer(let answer):
                let reply = Admin.Answer(answer)
                if call.wantsMore {
                    try await call.reply(Admin.SearchReply(answers: [reply]))
                } else {
                    answers.append(reply)
                }
            case .failure:
                // The coverage names those that failed to the end.
                continue
            case .end(let coverage):
                return VarlinkReply(
                    Admin.SearchReply(answers: answers, coverage: Admin.Coverage(coverage)))
            }
        }
        throw AdminError.failed("the search was stopped: this peer is stopping")
    }

    // MARK: - Orders

    private func bootstrap(_ call: VarlinkCall) async -> Admin.Bootstrap {
        let answer = await peer.bootstrap()
        let reasons = Dictionary(
            await peer.members().map { ($0.url, $0.reason) },
            uniquingKeysWith: { first, _ in first })
        return Admin.Bootstrap(
            registered: answer.registered.map(\.description),
            failed: answer.failed.map { url in
                Admin.Failure(
                    url: url.description, reason: (reasons[url] ?? nil) ?? "could not be reached")
            },
            known: answer.known.map(\.description))
    }

    private func reloadConfiguration(_ call: VarlinkCall) async throws -> VarlinkReply {
        do {
            let outcome = try await reload()
            return VarlinkReply(
                Admin.Reload(changed: outcome.changed, needs_restart: outcome.needsRestart))
        } catch let faults as ConfigurationFaults {
            throw AdminError.invalidConfiguration(faults.faults.map(\.description))
        }
    }

    private func rescan(_ call: VarlinkCall) async throws -> VarlinkReply {
        let result = try await peer.catalog.rescan()
        return VarlinkReply(
            Admin.Rescan(
                files: Int(result.files), bytes: Int(result.bytes), added: result.added,
                changed: result.changed, removed: result.removed))
    }
}

/// What a reload did, by configuration key.
struct ReloadOutcome: Sendable {
    var changed: [String]
    var needsRestart: [String]
}
