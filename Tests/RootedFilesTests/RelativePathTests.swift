import RootedFiles
import Testing

@Suite("A relative path")
struct RelativePathTests {
    @Test(
        "is refused for what it is",
        arguments: [
            ("", RelativePath.Fault.empty),
            ("/etc/passwd", .absolute),
            ("..", .dotComponent),
            ("../x", .dotComponent),
            ("a/../../x", .dotComponent),
            ("a/.", .dotComponent),
            ("./a", .dotComponent),
            ("a//b", .emptyComponent),
            ("a/", .emptyComponent),
            ("a\0b", .containsNUL),
            (String(repeating: "x", count: 256), .componentTooLong),
            (String(repeating: "xy/", count: 1400) + "z", .tooLong),
        ])
    func refused(string: String, fault: RelativePath.Fault) {
        #expect(throws: fault) { try RelativePath(string) }
    }

    @Test("is refused when it is not UTF-8")
    func notUTF8() {
        #expect(throws: RelativePath.Fault.notUTF8) { try RelativePath(bytes: [0x61, 0xFF]) }
    }

    @Test(
        "may look strange",
        arguments: [
            "...", "..a", ".hidden", "a b", "a\nb", "a\\..\\b", "%2e%2e", "-rf", "ü/ß", "~", "*",
        ])
    func accepted(string: String) throws {
        #expect(try RelativePath(string).string == string)
    }

    @Test("has a name and a parent")
    func parts() throws {
        let path = try RelativePath("a/b/c.txt")
        #expect(path.name == "c.txt")
        #expect(path.parent?.string == "a/b")
        #expect(path.components == ["a", "b", "c.txt"])
        #expect(try RelativePath("a").parent == nil)
        #expect(try RelativePath("a").appending("b").string == "a/b")
    }

    @Test("differs from a canonically equivalent one, as files do")
    func bytewise() throws {
        let composed = try RelativePath("\u{E9}")
        let decomposed = try RelativePath("e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }
}
