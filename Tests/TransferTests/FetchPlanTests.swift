import Testing

@testable import Transfer

typealias Effect = FetchPlan.Effect

/// Sources p0, p1... that announce these sizes.
func candidates(_ sizes: Int64...) -> [FetchCandidate] {
    sizes.enumerated().map { FetchCandidate(peer: "p\($0)", path: "f", size: $1) }
}

func failures(_ reasons: FetchReason...) -> Effect {
    .finish(
        .sourcesFailed(
            reasons.enumerated().map { FetchFailure(peer: "p\($0)", path: "f", reason: $1) }))
}

@Suite struct FetchPlanTests {
    /// A plan over sources of these sizes that has got these events.
    static func plan(
        _ sizes: [FetchCandidate], after events: FetchPlan.Event...
    ) -> FetchPlan {
        var plan = FetchPlan(candidates: sizes, configuration: FetchConfiguration())
        for event in events { _ = plan.handle(event) }
        return plan
    }

    @Test("One source sends all: verified, published, done")
    func straight() {
        var plan = Self.plan(candidates(100))
        #expect(plan.handle(.started(partialBytes: 0)) == [.open(source: 0, offset: 0)])
        #expect(plan.handle(.chunkReceived(bytes: 60)) == [])
        #expect(plan.handle(.chunkReceived(bytes: 0)) == [])
        #expect(plan.handle(.chunkReceived(bytes: 40)) == [])
        #expect(plan.offset == 100)
        #expect(plan.handle(.sourceEnded) == [.verify])
        #expect(plan.handle(.verified) == [.publish])
        #expect(plan.handle(.published) == [.finish(.done)])
    }

    @Test("A partial file is continued where it ends")
    func resumed() {
        var plan = Self.plan(candidates(100))
        #expect(plan.handle(.started(partialBytes: 40)) == [.open(source: 0, offset: 40)])
        #expect(plan.handle(.chunkReceived(bytes: 60)) == [])
        #expect(plan.handle(.sourceEnded) == [.verify])
    }

    @Test("A complete partial file asks nobody; one that is too long is cut")
    func complete() {
        var plan = Self.plan(candidates(100))
        #expect(plan.handle(.started(partialBytes: 100)) == [.verify])
        #expect(plan.handle(.verified) == [.publish])
        plan = Self.plan(candidates(100))
        #expect(plan.handle(.started(partialBytes: 101)) == [.truncate(to: 100), .verify])
        #expect(plan.handle(.mismatched) == [.truncate(to: 0), .open(source: 0, offset: 0)])
    }

    @Test("An empty file asks nobody")
    func empty() {
        var plan = Self.plan(candidates(0))
        #expect(plan.handle(.started(partialBytes: 0)) == [.verify])
    }

    @Test("Without a source it fails at once")
    func nobody() {
        var plan = Self.plan([])
        #expect(plan.handle(.started(partialBytes: 0)) == [.finish(.sourcesFailed([]))])
    }

    @Test(
        "A source that fails is followed by the next, from where we are",
        arguments: [
            FetchPlan.Event.sourceFailed(.failed("reset")), .sourceFailed(.stalled), .sourceEnded,
            .sourceRefused(reason: "gone"),
        ])
    func nextSource(event: FetchPlan.Event) {
        var plan = Self.plan(
            candidates(100, 100), after: .started(partialBytes: 0), .chunkReceived(bytes: 30))
        #expect(plan.handle(event) == [.open(source: 1, offset: 30)])
    }

    @Test("A source that failed is tried again after a pause that doubles, then it is out")
    func retries() {
        var plan = Self.plan(candidates(100), after: .started(partialBytes: 0))
        #expect(plan.handle(.sourceFailed(.failed("a"))) == [.wait(.milliseconds(500))])
        #expect(plan.handle(.waitEnded) == [.open(source: 0, offset: 0)])
        #expect(plan.handle(.sourceFailed(.stalled)) == [.wait(.milliseconds(1000))])
        #expect(plan.handle(.waitEnded) == [.open(source: 0, offset: 0)])
        #expect(plan.handle(.sourceEnded) == [failures(.endedShort(missing: 100))])
    }

    @Test("The only source may be gone for as long as a restart takes")
    func restart() {
        var plan = Self.plan(
            candidates(100), after: .started(partialBytes: 0), .chunkReceived(bytes: 30))
        for pause in [500, 1000, 2000, 4000, 8000] {
            #expect(
                plan.handle(.sourceFailed(.failed("refused"))) == [.wait(.milliseconds(pause))])
            #expect(plan.handle(.waitEnded) == [.open(source: 0, offset: 30)])
        }
        var back = plan
        _ = back.handle(.chunkReceived(bytes: 70))
        #expect(back.handle(.sourceEnded) == [.verify])
        #expect(plan.handle(.sourceFailed(.failed("refused"))) == [failures(.failed("refused"))])
    }

    @Test("All failed: every source is named with its last reason")
    func allFailed() {
        var plan = Self.plan(candidates(100, 100), after: .started(partialBytes: 0))
        #expect(
            plan.handle(.sourceRefused(reason: "not found")) == [.open(source: 1, offset: 0)])
        #expect(
            plan.handle(.chunkReceived(bytes: 101)) == [
                .close, failures(.refused("not found"), .sentTooMuch),
            ])
    }

    @Test("Failures before much progress are forgotten")
    func progress() {
        var plan = Self.plan(candidates(1 << 30), after: .started(partialBytes: 0))
        for _ in 0..<20 {
            _ = plan.handle(.chunkReceived(bytes: 16 << 20))
            #expect(plan.handle(.sourceFailed(.stalled)) == [.wait(.milliseconds(500))])
            _ = plan.handle(.waitEnded)
        }
    }

    @Test("With all bytes there it does not matter how the stream ends")
    func anyEnd() {
        for event: FetchPlan.Event in [.sourceEnded, .sourceFailed(.stalled)] {
            var plan = Self.plan(
                candidates(100), after: .started(partialBytes: 0), .chunkReceived(bytes: 100))
            #expect(plan.handle(event) == [.verify])
        }
        var plan = Self.plan(
            candidates(100), after: .started(partialBytes: 0), .chunkReceived(bytes: 100))
        #expect(plan.handle(.chunkReceived(bytes: 1)) == [.close, .verify])
    }

    @Test("Who sent a whole wrong file alone is out, and the next starts from zero")
    func guilty() {
        var plan = Self.plan(
            candidates(100, 100), after: .started(partialBytes: 0), .chunkReceived(bytes: 100),
            .sourceEnded)
        #expect(plan.handle(.mismatched) == [.truncate(to: 0), .open(source: 1, offset: 0)])
        _ = plan.handle(.chunkReceived(bytes: 100))
        _ = plan.handle(.sourceEnded)
        #expect(
            plan.handle(.mismatched) == [.truncate(to: 0), failures(.mismatch, .mismatch)])
    }

    @Test("When the old bytes may be to blame, the same source starts from zero, once")
    func oldBytes() {
        var plan = Self.plan(
            candidates(100, 100), after: .started(partialBytes: 50), .chunkReceived(bytes: 50),
            .sourceEnded)
        #expect(plan.handle(.mismatched) == [.truncate(to: 0), .open(source: 0, offset: 0)])
        _ = plan.handle(.chunkReceived(bytes: 100))
        _ = plan.handle(.sourceEnded)
        #expect(plan.handle(.mismatched) == [.truncate(to: 0), .open(source: 1, offset: 0)])
    }

    @Test("When several sources sent the bytes, the last one starts from zero, once")
    func mixed() {
        var plan = Self.plan(
            candidates(100, 100), after: .started(partialBytes: 0), .chunkReceived(bytes: 50),
            .sourceFailed(.stalled), .chunkReceived(bytes: 50), .sourceEnded)
        #expect(plan.handle(.mismatched) == [.truncate(to: 0), .open(source: 1, offset: 0)])
        // Mixed once more: it proves nothing, so it counts as a failure.
        _ = plan.handle(.chunkReceived(bytes: 50))
        #expect(plan.handle(.sourceFailed(.stalled)) == [.wait(.milliseconds(500))])
        #expect(plan.handle(.waitEnded) == [.open(source: 0, offset: 50)])
        #expect(plan.handle(.sourceFailed(.stalled)) == [.wait(.milliseconds(500))])
        #expect(plan.handle(.waitEnded) == [.open(source: 1, offset: 50)])
    }

    @Test("A source with fewer bytes than are there starts from zero, once")
    func shorter() {
        var plan = Self.plan(
            candidates(100, 50), after: .started(partialBytes: 0), .chunkReceived(bytes: 60))
        #expect(
            plan.handle(.sourceRefused(reason: "gone")) == [
                .truncate(to: 0), .open(source: 1, offset: 0),
            ])
    }

    @Test("The name being taken, a failing disk and a cancellation end it, naming which")
    func ends() {
        var plan = Self.plan(
            candidates(1), after: .started(partialBytes: 1), .verified)
        #expect(plan.handle(.publishRefused) == [.finish(.alreadyExists)])
        plan = Self.plan(candidates(1), after: .started(partialBytes: 1), .verified)
        #expect(plan.handle(.diskFailed) == [.finish(.diskFailed)])
        plan = Self.plan(candidates(1), after: .started(partialBytes: 0))
        #expect(plan.handle(.cancelled) == [.close, .finish(.cancelled)])
        plan = Self.plan(candidates(1), after: .started(partialBytes: 0))
        #expect(plan.handle(.diskFailed) == [.close, .finish(.diskFailed)])
        plan = Self.plan(candidates(1))
        #expect(plan.handle(.cancelled) == [.finish(.cancelled)])
    }

    static let events: [FetchPlan.Event] = [
        .started(partialBytes: 0), .chunkReceived(bytes: 1), .sourceEnded,
        .sourceFailed(.stalled), .sourceRefused(reason: ""), .waitEnded, .verified, .mismatched,
        .published, .publishRefused, .diskFailed, .cancelled,
    ]

    @Test("Every event that a state does not wait for changes nothing")
    func cells() {
        let idle = Self.plan(candidates(9))
        let receiving = Self.plan(candidates(9), after: .started(partialBytes: 0))
        var waiting = receiving
        _ = waiting.handle(.sourceFailed(.stalled))
        let verifying = Self.plan(candidates(9), after: .started(partialBytes: 9))
        var publishing = verifying
        _ = publishing.handle(.verified)
        var finished = publishing
        _ = finished.handle(.published)
        let table: [(FetchPlan, Set<FetchPlan.Event>)] = [
            (idle, [.started(partialBytes: 0)]),
            (
                receiving,
                [
                    .chunkReceived(bytes: 1), .sourceEnded, .sourceFailed(.stalled),
                    .sourceRefused(reason: ""),
                ]
            ),
            (waiting, [.waitEnded]), (verifying, [.verified, .mismatched]),
            (publishing, [.published, .publishRefused]),
            (finished, [.diskFailed, .cancelled]),
        ]
        for (plan, awaited) in table {
            for event in Self.events where !awaited.contains(event) {
                if plan.state != .finished, [.diskFailed, .cancelled].contains(event) { continue }
                var copy = plan
                #expect(copy.handle(event) == [], "\(plan.state) \(event)")
                #expect(copy.state == plan.state, "\(plan.state) \(event)")
            }
        }
    }

    /// A source of test: how much of what it announced is sent, and whether the bytes are right.
    @Test(
        "Whatever the sources do, it ends in an outcome", arguments: 0..<300 as Range<UInt64>)
    func terminates(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func roll(_ bound: UInt64) -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state % bound
        }
        let sizes = (0..<(1 + roll(4))).map { _ in Int64(roll(5) == 0 ? 90 : 100) << 20 }
        var plan = FetchPlan(
            candidates: sizes.enumerated().map {
                FetchCandidate(peer: "p\($0)", path: "f", size: $1)
            }, configuration: FetchConfiguration())
        var pending = plan.handle(.started(partialBytes: Int64(roll(110)) << 20))
        for _ in 0..<10_000 {
            if case .finish = pending.last { return }
            switch pending.last {
            case .verify: pending = plan.handle(roll(8) == 0 ? .verified : .mismatched)
            case .publish: pending = plan.handle(.published)
            case .wait: pending = plan.handle(.waitEnded)
            default:
                let event: FetchPlan.Event =
                    switch roll(20) {
                    case 0: .sourceEnded
                    case 1: .sourceFailed(.stalled)
                    case 2: .sourceRefused(reason: "x")
                    default: .chunkReceived(bytes: Int(roll(20)) << 20)
                    }
                let effects = plan.handle(event)
                if !effects.isEmpty { pending = effects }
            }
        }
        Issue.record("seed \(seed) does not end: \(plan.state)")
    }
}
