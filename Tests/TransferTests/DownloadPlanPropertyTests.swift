import Testing

@testable import Transfer

/// Seeds stand for worlds: a failing one is named, and comes again with the same number.
@Suite struct DownloadPlanPropertyTests {
    static let seeds = 0..<120 as Range<UInt64>

    /// Peers of any manner, in any order, some found late.
    static func swarm(seed: UInt64, with manners: [SimulatedSwarm.Manner] = []) -> SimulatedSwarm {
        var dice = SimulatedSwarm(seed: seed, pieceCount: 1, manners: [], known: 0)
        var all = manners
        for _ in 0..<dice.roll(7) {
            let any = SimulatedSwarm.Manner.allCases
            all.insert(any[dice.roll(any.count)], at: dice.roll(all.count + 1))
        }
        let sizes = [0, 1, 2, 3, 10, 64, 65, 150]
        var swarm = SimulatedSwarm(
            seed: seed, pieceCount: sizes[dice.roll(sizes.count)], manners: all,
            known: dice.roll(all.count + 1))
        swarm.beginsOnTrust = dice.roll(2) == 0
        return swarm
    }

    @Test("Whatever peers do, it ends done with the right bytes, or names who failed how")
    func ends() {
        for seed in Self.seeds {
            var swarm = Self.swarm(seed: seed)
            swarm.run()
            switch swarm.outcome {
            case .done:
                #expect(swarm.isComplete, "seed \(seed)")
            case .sourcesFailed(let failures):
                #expect(failures.count <= swarm.known, "seed \(seed)")
                #expect(failures.allSatisfy { $0.reason != .notTried }, "seed \(seed): \(failures)")
            default:
                Issue.record("seed \(seed) does not end: \(swarm.plan.state)")
            }
        }
    }

    @Test("With one honest peer among any others it ends done")
    func honestPeer() {
        for seed in Self.seeds {
            var swarm = Self.swarm(seed: seed, with: [.honest])
            swarm.known = swarm.peers.count
            swarm.plan = DownloadPlan(offers: swarm.peers.map(\.offer), seed: seed)
            swarm.run()
            #expect(swarm.outcome == .done, "seed \(seed) \(swarm.peers.map(\.manner))")
        }
    }

    @Test("Right a piece comes once outside the end game; wrong once, and once more on trust")
    func arrivals() {
        for seed in Self.seeds {
            for manners: [SimulatedSwarm.Manner] in [
                [.honest, .honest, .liar], [.honest, .flaky, .short, .liar], [.honest, .partial],
            ] {
                var swarm = SimulatedSwarm(
                    seed: seed, pieceCount: 64, manners: manners, known: manners.count)
                swarm.beginsOnTrust = seed % 2 == 0
                swarm.run()
                #expect(swarm.outcome == .done, "seed \(seed)")
                for piece in 0..<64 where !swarm.inEndGame.contains(piece) {
                    let (right, wrong) = (swarm.right[piece] ?? 0, swarm.wrong[piece] ?? 0)
                    let wrongMax = swarm.beginsOnTrust ? 2 : 1
                    #expect(right == 1 && wrong <= wrongMax, "seed \(seed): piece \(piece)")
                }
            }
        }
    }

    @Test("Paused, resumed and cancelled at any instant, it comes to the same ends")
    func pauses() {
        for seed in Self.seeds {
            var swarm = Self.swarm(seed: seed, with: [.honest])
            for _ in 0..<20 where swarm.outcome == nil {
                swarm.run(steps: swarm.roll(30))
                swarm.send(.paused)
                #expect(swarm.active.isEmpty, "seed \(seed)")
                swarm.send(.ticked)
                #expect(swarm.active.isEmpty, "seed \(seed)")
                swarm.send(.resumed)
            }
            if seed % 2 == 0, swarm.outcome == nil {
                swarm.send(.cancelled)
                #expect(swarm.outcome == .cancelled && swarm.active.isEmpty, "seed \(seed)")
            }
            swarm.run()
            #expect(swarm.outcome != nil, "seed \(seed)")
        }
    }

    @Test("A disk that loses what was written is found out, and the source is not blamed")
    func lostWrites() {
        for seed in Self.seeds {
            var swarm = SimulatedSwarm(
                seed: seed, pieceCount: 20, manners: [.honest, .honest], known: 2)
            swarm.beginsOnTrust = seed % 2 == 0
            swarm.run(steps: 25)
            for piece in 0..<20 where swarm.roll(3) == 0 { swarm.disk[piece] = 255 }
            swarm.run()
            #expect(swarm.outcome == .done && swarm.banned.isEmpty, "seed \(seed)")
        }
    }
}
