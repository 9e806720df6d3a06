import Testing

@testable import Overlay

@Suite struct FoundContentTests {
    static func copy(_ peer: UInt64, _ path: String) -> FoundContent.Copy {
        FoundContent.Copy(peer: member(peer).id, path: path)
    }

    static let one = Array(repeating: UInt8(1), count: 32)
    static let two = Array(repeating: UInt8(2), count: 32)

    @Test("Identical content is one, under whatever names; what has no checksum stands alone")
    func groups() {
        var found = FoundContent()
        found.insert(Self.copy(1, "a"), size: 5, sha256: Self.one)
        found.insert(Self.copy(2, "b"), size: 6, sha256: Self.two)
        let third = found.insert(Self.copy(3, "c"), size: 5, sha256: Self.one)
        found.insert(Self.copy(3, "d"), size: 5, sha256: Self.one)
        found.insert(Self.copy(1, "x"), size: 9, sha256: nil)
        found.insert(Self.copy(2, "x"), size: 9, sha256: nil)
        #expect(third?.copies.map(\.path) == ["a", "c"])
        #expect(found.contents.map(\.copies.count) == [3, 1, 1, 1])
        #expect(found.contents.first?.peers == [member(1).id, member(3).id])
        #expect(found.contents.map(\.size) == [5, 6, 9, 9])
    }

    @Test("A file that is told again counts once; past the bound it says that it is cut short")
    func bound() {
        var found = FoundContent(copiesMax: 2)
        found.insert(Self.copy(1, "a"), size: 5, sha256: Self.one)
        let again = found.insert(Self.copy(1, "a"), size: 5, sha256: Self.one)
        #expect(again == nil && !found.isTruncated)
        found.insert(Self.copy(2, "a"), size: 5, sha256: Self.one)
        let more = found.insert(Self.copy(3, "a"), size: 5, sha256: Self.one)
        #expect(more == nil && found.isTruncated)
        #expect(found.contents.map(\.copies.count) == [2])
    }
}
