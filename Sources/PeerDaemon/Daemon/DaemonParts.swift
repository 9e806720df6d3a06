import AdminWire
import AsyncHTTPClient
import Catalog
import GRPCCore
import GRPCNghttp2
import LogMessages
import Logging
import NIOCore
import NIOPosix
import Overlay
import PrometheusExposition
import RootedFiles
import ServiceLifecycle
import Systemd
import Transfer
import Varlink

/// The parts of a running daemon, made in the order in which they need each other.
struct DaemonParts {
    private let identity: NodeIdentity
    private let catalog: Catalog
    private let network: PeerNetwork
    private let fleet: Fleet
    private let links: PeerLinks
    private let peer: Peer
    private let transfers = TransferCounters()
    private let grpc: GRPCServer<NghttpServerTransport>
    private let rest: RESTServices
    private let admin: VarlinkService
    private let reloader: Reloader
    private let fetches: Fetches
    private let uploads: Uploads
    /// nil: this daemon is none.
    private let directory: DirectoryRole?
    private let friends: [PeerURL]
    private let sockets: PublicSockets
    private let logger: Logger

    init(
        inputs: DaemonInputs, configuration: PeerConfiguration, identity: PeerIdentity,
        sockets: PublicSockets, adminListeners: [VarlinkListener], level: SharedLogLevel,
        metrics: PrometheusRegistry, http: HTTPClient, logger: Logger
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let node = try NodeIdentity(
            configuration, identity: identity, ports: sockets.ports, inputs: inputs)
        let catalog = try Self.openCatalog(configuration, logger)
        links = PeerLinks(rest: RESTLinks(http: http), group: group)
        var membership = MembershipConfiguration(
            healthCheckInterval: configuration.healthCheckInterval)
        membership.resolvesFriends = true
        let members = try Self.openMembers(configuration)
        fleet = Fleet(
            identity: node,
            restored: await members.beginRun(
                seconds: Int64(WallClock.milliseconds() / 1000), logger: logger),
            configuration: SwimConfiguration(
                healthCheckInterval: configuration.healthCheckInterval),
            links: links, store: members, logger: logger, seed: .random(in: .min ... .max)
        ) { (catalog.totals.files, catalog.totals.bytes) }
        network = PeerNetwork(
            identity: node, membership: membership,
            router: QueryRouterConfiguration(fanoutMax: configuration.maxFanout), links: links,
            fleet: fleet, store: members, logger: logger,
            seed: .random(in: .min ... .max)
        ) { text, limit in
            let (files, truncated) = try await catalog.search(text, limit: limit)
            return PeerAnswer(
                peer: PeerAddress(node), files: files.map(FoundFile.init), truncated: truncated)
        }
        peer = Peer(
            identity: node, catalog: catalog, network: network,
            directory: DirectoryAccess(
                configuration, identity: node, catalog: catalog, http: http, logger: logger),
            settings: LiveSettings(configuration))
        friends = configuration.friends
        self.sockets = sockets
        let root = try RootedDirectory(path: configuration.sharedDirectory)
        let store = try Self.openTransfers(configuration, logger)
        fetches = Fetches(
            peer: peer, links: links, root: root, store: store, transfers: transfers,
            logger: logger)
        uploads = Uploads(
            node: peer, root: root, transfers: transfers, logger: logger,
            isExcluded: { catalog.excludes($0) },
            published: { await catalog.published($0, sha256: $1) })
        let limiter = ClientLimiter()
        grpc = try Self.makeGRPC(
            sockets.grpc, group: group, peer: peer, network: network, fleet: fleet,
            transfers: transfers,
            manifests: Manifests(store: store, logger: logger) {
                Int64(WallClock.milliseconds() / 1000)
            },
            uploads: uploads, limiter: limiter, logger: logger)
        directory =
            configuration.directory.serve
            ? try await DirectoryRole(configuration, logger: logger) : nil
        rest = RESTServices(
            node: peer, directory: directory, sockets: sockets, limiter: limiter, metrics: metrics,
            transfers: transfers,
            logger: logger)
        reloader = Reloader(
            inputs: inputs, configuration: configuration, peer: peer, level: level, logger: logger)
        admin = Self.makeAdmin(
            adminListeners, peer: peer, links: links, fetches: fetches, directory: directory,
            transfers: transfers, reloader: reloader, version: inputs.version, logger: logger)
        DaemonMetrics.register(
            in: metrics, peer: peer, network: network, transfers: transfers, version: inputs.version
        )
        if let directory { DirectoryMetrics.register(in: metrics, directory) }
        self.identity = node
        self.catalog = catalog
        self.logger = logger
    }

    func run() async throws {
        await network.start(friends: friends)
        let notifier = Notifier()
        let supervision = Supervision(
            notifier: notifier, peer: peer, links: links, reloader: reloader, sockets: sockets,
            logger: logger)
        var faces: [any Service] = [
            Part { try await admin.run() },
            rest.metrics,
            rest.api,
            DrainingPart {
                try await grpc.serve()
            } drain: {
                grpc.beginGracefulShutdown()
            },
            DrainingPart {
                await fleet.run()
            } drain: {
                fleet.leaveSoon()
            },
        ]
        if let client = peer.directory?.client {
            faces.append(Part { await client.run() })
        }
        var services: [any Service] = [
            Part {
                await fetches.removeAbandoned()
                uploads.removeAbandoned()
                await catalog.run()
            },
            Part { await links.run() },
            Part { await network.run() },
            // The group ends its services one after the other; new clients go to the next process
            // only when all faces stop at once. The directory is told at the same time.
            PartsTogether(faces),
            supervision,
        ]
        if let directory {
            // Stopped last, since the end of the list comes first: what the last heartbeats have
            // extended is written, too.
            services.insert(Part { await directory.run() }, at: 0)
        }
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet)
        configuration.maximumGracefulShutdownDuration = Daemon.drainLimit
        configuration.maximumCancellationDuration = .seconds(4)
        logger.report(
            .started,
            [
                "version": "\(identity.version)", "id": "\(identity.id)",
                "url": "\(identity.url)", "grpc": "\(identity.grpc)",
                "metrics_port": "\(identity.ports.metrics)",
                "shared_dir": "\(identity.sharedDirectory)",
            ])
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The lifecycle library's own log says nothing that ours does not.
    private static var quiet: Logger {
        var logger = Logger(label: "lifecycle")
        logger.logLevel = .critical
        return logger
    }

    static var httpConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(3)
        configuration.connectionPool.idleTimeout = .seconds(30)
        // A refused connection is told at once; membership decides when to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        // A peer that redirects is none.
        configuration.redirectConfiguration = .disallow
        return configuration
    }

    private static func openCatalog(
        _ configuration: PeerConfiguration, _ logger: Logger
    ) throws -> Catalog {
        do {
            return try Catalog(
                root: configuration.sharedDirectory, stateDirectory: configuration.stateDirectory,
                rescanInterval: configuration.rescanInterval, exclude: configuration.exclude,
                logger: logger)
        } catch {
            throw StartupFailure(code: .osError, message: "the catalog cannot be opened: \(error)")
        }
    }

    private static func openMembers(
        _ configuration: PeerConfiguration
    ) throws(StartupFailure) -> MemberStore {
        do {
            return try MemberStore(stateDirectory: configuration.stateDirectory)
        } catch {
            throw StartupFailure(
                code: .osError, message: "the list of peers cannot be opened: \(error)")
        }
    }

    private static func openTransfers(
        _ configuration: PeerConfiguration, _ logger: Logger
    ) throws(StartupFailure) -> TransferStore {
        do {
            return try TransferStore.open(
                stateDirectory: configuration.stateDirectory, logger: logger)
        } catch {
            throw StartupFailure(
                code: .osError, message: "the list of transfers cannot be opened: \(error)")
        }
    }

    private static func makeGRPC(
        _ socket: ListeningSocket, group: any EventLoopGroup, peer: Peer, network: PeerNetwork,
        fleet: Fleet, transfers: TransferCounters, manifests: Manifests, uploads: Uploads,
        limiter: ClientLimiter, logger: Logger
    ) throws -> GRPCServer<NghttpServerTransport> {
        let descriptions = try ServiceDescriptions()
        let reflection = ReflectionService(descriptions: descriptions)
        let names = descriptions.services + SeedFileTransfer.serviceNames
        var configuration = ServerConfiguration(
            listeners: [.inherited(descriptor: socket.descriptor)])
        let misconduct = MisconductReport(logger: logger)
        configuration.onMisconduct = { misconduct.report($0, from: $1) }
        return GRPCServer(
            transport: NghttpServerTransport(group: group, configuration: configuration),
            services: [
                OverlayService(network: network),
                GossipService(fleet: fleet, node: peer),
                FilesService(node: peer, transfers: transfers, manifests: manifests),
                TreesService(name: peer.identity.name, catalog: peer.catalog, transfers: transfers),
                SeedFileTransfer(node: peer, transfers: transfers),
                SeedPeerService(node: peer, transfers: transfers, uploads: uploads),
                HealthService(services: Set(names)), reflection,
                ReflectionAlphaService(current: reflection),
            ],
            interceptors: [CallInterceptor(limiter: limiter, node: peer)])
    }

    private static func makeAdmin(
        _ listeners: [VarlinkListener], peer: Peer, links: PeerLinks, fetches: Fetches,
        directory: DirectoryRole?,
        transfers: TransferCounters, reloader: Reloader, version: String, logger: Logger
    ) -> VarlinkService {
        guard let description = InterfaceDescription(Admin.interfaceText) else {
            preconditionFailure("org.p2ppeer.Admin has lost its name")
        }
        return VarlinkService(
            identity: ServiceIdentity(
                vendor: "p2p-peer", product: "p2p-peer", version: version,
                url: "https://p2p-peer.example/"),
            interfaces: [
                AdminService(
                    description: description, peer: peer, fetches: fetches,
                    deliveries: Deliveries(
                        peer: peer, links: links, transfers: transfers, logger: logger),
                    rest: links.rest, directory: directory, transfers: transfers,
                    reload: { try await reloader.reload() }, logger: logger)
            ],
            listeners: listeners
        ) { event in
            logger.debug("admin socket", metadata: ["event": "\(event)"])
        }
    }
}

extension NodeIdentity {
    init(
        _ configuration: PeerConfiguration, identity: PeerIdentity, ports: Ports,
        inputs: DaemonInputs
    ) throws(StartupFailure) {
        let text = configuration.selfURL(restPort: ports.rest)
        let url: PeerURL
        do {
            url = try PeerURL(text)
        } catch {
            throw StartupFailure(code: .configuration, message: "self_url: \(text): \(error)")
        }
        self.init(
            name: configuration.name, id: identity.id, version: inputs.version, url: url,
            ip: configuration.ip, ports: ports, sharedDirectory: configuration.sharedDirectory,
            stateDirectory: configuration.stateDirectory,
            configurationFile: inputs.configurationFile ?? "")
    }
}

extension PeerAddress {
    init(_ identity: NodeIdentity) {
        self.init(
            url: identity.url, name: identity.name, id: identity.id, grpc: identity.grpc,
            version: identity.version)
    }
}

extension LiveSettings {
    init(_ configuration: PeerConfiguration) {
        self.init(
            searchTTL: configuration.searchTTL, maxFanout: configuration.maxFanout,
            searchTimeout: configuration.searchTimeout,
            requestsPerMinute: configuration.requestsPerMinute,
            downloadsPerMinute: configuration.downloadsPerMinute,
            uploads: UploadSettings(configuration))
    }
}

extension PeerConfiguration {
    /// Primary, then secondary.
    var friends: [PeerURL] {
        [friendPrimary, friendSecondary].compactMap { $0 }.compactMap { PeerURL(wire: $0) }
    }
}
