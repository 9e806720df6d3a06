import Directory
import Testing

@Suite("A sample of names")
struct NameSampleTests {
    private let sample = NameSample(
        (0..<100).map { "dir/\($0 < 4 ? "Rare" : "other")-\($0).txt" }, last: 100)

    @Test("tells what one in so many names has, of any length and any case")
    func common() {
        for part in ["r", "er", ".txt", "other-", "txt"] {
            #expect(sample.isCommon(Array(part.utf8), share: 10), "\(part)")
        }
        // 4 of 100 are more than one in 50, and not more than one in 20.
        #expect(sample.isCommon(Array("rare".utf8), share: 50))
        #expect(!sample.isCommon(Array("rare".utf8), share: 20))
        for part in ["dir", "rare-9", "x-", "t.x", "rare-0.txt"] {
            #expect(!sample.isCommon(Array(part.utf8), share: 50), "\(part)")
        }
    }

    @Test("counts a name once, however often it has the part")
    func once() {
        let sample = NameSample(["aaaaaaaa", "b", "c", "d"], last: 4)
        #expect(sample.isCommon(Array("a".utf8), share: 5))
        #expect(!sample.isCommon(Array("a".utf8), share: 4))
    }

    @Test("of no names finds nothing common")
    func empty() {
        #expect(!NameSample().isCommon([97], share: 50))
        #expect(NameSample().count(ofGram: [97, 98, 99]) == 0)
    }

    @Test("orders grams by how rare they are")
    func grams() {
        let counts = ["rar", "oth", "txt"].map { sample.count(ofGram: Array($0.utf8)[...]) }
        #expect(counts == [4, 96, 100])
    }

    @Test("is due again when there are twice as many names")
    func outdated() {
        #expect(!sample.isOutdated(last: 1200))
        #expect(sample.isOutdated(last: 1201))
        #expect(NameSample.step(last: 0) == 1)
        #expect(NameSample.step(last: 6400) == 100)
    }
}
