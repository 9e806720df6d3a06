import Testing

@testable import GRPCNghttp2

@Suite("Frames on streams that are no longer open")
struct PastStreamsTests {
    @Test(
        "What its sender has ended is closed, what it has skipped is skipped, and the next is fine")
    func verdicts() {
        var past = PastStreams()
        #expect(past.received(on: 5, isHeaders: true) == .fine)
        #expect(past.received(on: 11, isHeaders: true) == .fine)
        for stream: Int32 in [5, 11] {
            #expect(past.received(on: stream, isHeaders: true) == .closed)
            #expect(past.received(on: stream, isHeaders: false) == .closed)
        }
        for stream: Int32 in [1, 3, 7, 9] {
            #expect(past.received(on: stream, isHeaders: true) == .skipped)
        }
    }

    @Test("DATA does not open a stream; that, and even numbers, are judged elsewhere")
    func notJudged() {
        var past = PastStreams()
        for _ in 0..<2 {
            #expect(past.received(on: 7, isHeaders: false) == .fine)
            #expect(past.received(on: 4, isHeaders: true) == .fine)
            #expect(past.received(on: 0, isHeaders: false) == .fine)
        }
        #expect(past.received(on: 1, isHeaders: true) == .fine)
    }

    @Test("What is on its way to a stream that was reset here is no fault, for the newest of them")
    func resets() {
        var past = PastStreams()
        let streams = Array(stride(from: Int32(1), to: 2001, by: 2))
        for stream in streams {
            #expect(past.received(on: stream, isHeaders: true) == .fine)
            past.wasReset(stream)
            past.wasReset(stream)
        }
        let verdicts = streams.map { past.received(on: $0, isHeaders: false) }
        #expect(verdicts.suffix(512).allSatisfy { $0 == .fine })
        #expect(verdicts.dropLast(512).allSatisfy { $0 == .closed })
    }

    @Test("Of many gaps the newest are known, and the others were streams like any")
    func gaps() {
        var past = PastStreams()
        for number in 1...100 { _ = past.received(on: Int32(number * 4 + 1), isHeaders: true) }
        #expect(past.received(on: 399, isHeaders: true) == .skipped)
        #expect(past.received(on: 3, isHeaders: true) == .closed)
        #expect(past.received(on: 399 - 4 * 31, isHeaders: true) == .skipped)
        #expect(past.received(on: 399 - 4 * 32, isHeaders: true) == .closed)
    }
}
