import Logging
import Overlay
import PeerWire

/// What the state machines order, done in child tasks; each job ends by telling what came of it.
extension PeerNetwork {
    nonisolated func perform(_ job: Job) async {
        switch job {
        case .check(let url): await check(url)
        case .register(let url): await registerHere(with: url)
        case .resolve(let friend): await resolve(friend)
        case .visit(let address, let friend): await visit(address, of: friend)
        case .introduce(let id, let grpc): await fleet.introduce(id, at: grpc)
        case .doubt(let id): await fleet.doubt(id)
        case .wakeMembership(let at, let generation):
            if await clock.sleep(until: at) { await tick(generation: generation) }
        case .wakeRouter(let at):
            if await clock.sleep(until: at) { await tickRouter(at) }
        case .searchHere(let query, let limit): await searchCatalog(query, limit)
        case .ask(let neighbour, let grpc, let query, let alreadyAsked, let limit):
            await ask(neighbour, grpc, query, alreadyAsked, limit)
        case .listFiles(let neighbour, let query, let limit):
            await listFiles(neighbour, query, limit)
        case .cancel(let id): await abandon(id)
        case .persist(let member): await store.save(member, logger: logger)
        case .forget(let url): await store.remove(url, logger: logger)
        }
    }

    // MARK: - Membership

    private nonisolated func check(_ url: PeerURL) async {
        let begin = now
        do {
            let info = try await links.rest.health(of: url)
            await send(.checkSucceeded(url: url, info: info, roundTrip: now - begin))
        } catch {
            await send(.checkFailed(url: url, reason: "\(error)"))
        }
    }

    private nonisolated func registerHere(with url: PeerURL) async {
        do {
            let answer = try await links.rest.register(identity, with: url)
            await send(.registered(url: url, theirPeers: answer.peers, info: answer.info))
            // A registration says little of who is there, and nothing at all at the original.
            await check(url)
        } catch {
            await send(.registrationFailed(url: url, reason: "\(error)"))
        }
    }

    private nonisolated func resolve(_ friend: PeerURL) async {
        var addresses: [PeerURL] = []
        do {
            addresses = try await NameLookup.urls(of: friend)
            logger.debug(
                "friend's name looked up",
                metadata: ["friend": "\(friend)", "addresses": "\(addresses.count)"])
        } catch {
            logger.info(
                "friend's name cannot be looked up",
                metadata: ["friend": "\(friend)", "reason": "\(error)"])
        }
        await send(.friendResolved(friend: friend, addresses: addresses))
    }

    private nonisolated func visit(_ address: PeerURL, of friend: PeerURL) async {
        do {
            let (peer, id) = try await links.rest.whoIs(at: address)
            await send(.visitSucceeded(address: address, friend: friend, peer: peer, id: id))
        } catch {
            logger.debug(
                "no way in",
                metadata: [
                    "friend": "\(friend)", "address": "\(address)", "reason": "\(error)",
                ])
            await send(.visitFailed(address: address, friend: friend))
        }
    }

    // MARK: - Searches

    private nonisolated func searchCatalog(_ query: Query, _ limit: Int) async {
        do {
            await send(.localAnswered(query.id, try await searchHere(query.text, limit)))
        } catch {
            await send(.localFailed(query.id, reason: "\(error)"))
        }
    }

    /// Runs one branch: until it ends, fails, or is cancelled by the router.
    private nonisolated func ask(
        _ neighbour: Neighbour, _ grpc: String, _ query: Query, _ alreadyAsked: [PeerURL],
        _ limit: Int
    ) async {
        let branch = Branch(query: query.id, neighbour: neighbour.url)
        let cancelled = await openBranch(branch)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.readBranch(neighbour, grpc, query, alreadyAsked, limit)
            }
            group.addTask { for await _ in cancelled {} }
            await group.next()
            group.cancelAll()
        }
        await closeBranch(branch)
    }

    private nonisolated func readBranch(
        _ neighbour: Neighbour, _ grpc: String, _ query: Query, _ alreadyAsked: [PeerURL],
        _ limit: Int
    ) async {
        do {
            let end = try await links.search(
                at: grpc, query, asker: identity.url, alreadyAsked: alreadyAsked, limit: limit,
                timeout: query.deadline - now
            ) { record in
                switch record {
                case .answer(let answer):
                    let peer = PeerKey(id: answer.peer.id, url: answer.peer.url)
                    await self.send(
                        .branchAnswered(query.id, neighbour: neighbour.url, from: peer, answer))
                case .failure(let failure):
                    await self.send(
                        .branchFailureReported(
                            query.id, neighbour: neighbour.url,
                            failed: PeerKey(id: nil, url: failure.url), reason: failure.reason))
                }
            }
            await send(
                .branchEnded(
                    query.id, neighbour: neighbour.url, duplicate: end.duplicate,
                    truncated: end.truncated))
        } catch {
            await send(
                .branchFailed(
                    query.id, neighbour: neighbour.url, reason: PeerLinks.reason(of: error)))
        }
    }

    /// Asks a neighbour that speaks only REST the way its own kind does, and filters here.
    private nonisolated func listFiles(_ neighbour: Neighbour, _ query: Query, _ limit: Int) async {
        do {
            let answer = try await links.rest.files(
                of: neighbour.url, matching: query.text, limit: limit, timeout: query.deadline - now
            )
            await send(
                .branchAnswered(query.id, neighbour: neighbour.url, from: neighbour.key, answer))
            await send(
                .branchEnded(query.id, neighbour: neighbour.url, duplicate: false, truncated: false)
            )
        } catch {
            await send(.branchFailed(query.id, neighbour: neighbour.url, reason: "\(error)"))
        }
    }
}
