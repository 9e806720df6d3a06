import Testing

@testable import Overlay

@Suite struct SplitMix64Tests {
    @Test("It gives the published sequence of the reference implementation")
    func reference() {
        // Seed 1234567, as printed by the reference C code (prng.di.unimi.it/splitmix64.c).
        var random = SplitMix64(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    @Test("Numbers stay below their bound and all come up")
    func bounded() {
        var random = SplitMix64(seed: 1)
        let numbers = (0..<1000).map { _ in random.next(below: 7) }
        #expect(Set(numbers) == Set(0..<7))
    }

    @Test("Shuffling keeps the elements and depends on the seed alone")
    func shuffle() {
        var (one, same, other) = (SplitMix64(seed: 1), SplitMix64(seed: 1), SplitMix64(seed: 2))
        let shuffled = one.shuffle(Array(0..<100))
        #expect(shuffled.sorted() == Array(0..<100))
        #expect(shuffled == same.shuffle(Array(0..<100)))
        #expect(shuffled != other.shuffle(Array(0..<100)))
        #expect(one.shuffle([Int]()) == [])
    }

    @Test("Jitter stays within its percentage")
    func jitter() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<1000 {
            let duration = random.jitter(.seconds(10), percent: 10)
            #expect(duration >= .seconds(9) && duration <= .seconds(11))
        }
    }
}
