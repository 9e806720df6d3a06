import Testing

@testable import Transfer

@Suite struct PieceSetTests {
    @Test("Bytes and back, for every length around a word", arguments: 0...130)
    func bytes(pieceCount: Int) throws {
        var set = PieceSet(pieceCount: pieceCount)
        for piece in stride(from: 0, to: pieceCount, by: 3) { set.insert(piece) }
        let back = try #require(PieceSet(bytes: set.bytes, pieceCount: pieceCount))
        #expect(back == set && back.count == (pieceCount + 2) / 3)
        #expect(back.pieces == Array(stride(from: 0, to: pieceCount, by: 3)))
        #expect(PieceSet(allOf: pieceCount).isFull)
        #expect(PieceSet(allOf: pieceCount).pieces == Array(0..<pieceCount))
    }

    @Test("A wrong length and spare bits that are set are refused")
    func malformed() {
        #expect(PieceSet(bytes: [], pieceCount: 1) == nil)
        #expect(PieceSet(bytes: [1, 0], pieceCount: 8) == nil)
        #expect(PieceSet(bytes: [0b100], pieceCount: 2) == nil)
        #expect(PieceSet(bytes: [0b11], pieceCount: 2)?.isFull == true)
    }

    @Test("Inserted and removed once; differences and intersections count")
    func algebra() {
        var low = PieceSet(pieceCount: 100)
        var odd = PieceSet(pieceCount: 100)
        for piece in 0..<70 { low.insert(piece) }
        for piece in stride(from: 1, to: 100, by: 2) { odd.insert(piece) }
        let (again, removed, absent) = (low.insert(69), low.remove(69), low.remove(69))
        #expect(!again && removed && !absent && low.count == 69)
        #expect(low.intersection(odd).count == 34)
        #expect(odd.subtracting(low).pieces.first == 69)
        #expect(odd.first(from: 98) == 99 && odd.first(from: 100) == nil)
        #expect(low.first(from: 69) == nil)
    }

    @Test("The last piece is as long as what is left")
    func layout() {
        let layout = PieceLayout(size: 5 << 20 | 7)
        #expect(layout.pieceCount == 6)
        #expect(layout.bytes(of: 5) == 5_242_880..<5_242_887)
        #expect(layout.bytes(of: 1..<6).count == 4 << 20 | 7)
        #expect(PieceLayout(size: 0).pieceCount == 0)
        #expect(PieceLayout(size: 1 << 20).pieceCount == 1)
    }
}
