import Testing

@testable import PeerDaemon

@Suite("Reading JSON")
struct JSONReaderTests {
    private func read(_ text: String) throws -> JSONValue {
        try JSONReader.read(Array(text.utf8))
    }

    @Test(
        "Values are read exactly",
        arguments: [
            ("null", JSONValue.null), (" true ", .bool(true)), ("-0", .integer(0)),
            ("9223372036854775807", .integer(.max)), ("1.5e2", .number(150)),
            ("9223372036854775808", .number(9.223372036854775808e18)),
            (#""a\"\\\/\b\f\n\r\t\u00f1\ud83d\ude00ñ""#, .string("a\"\\/\u{8}\u{C}\n\r\tñ😀ñ")),
            ("[1, [], {}]", .array([.integer(1), .array([]), .object([])])),
        ])
    func values(text: String, expected: JSONValue) throws {
        #expect(try read(text) == expected)
    }

    @Test("Keys know their line and column")
    func positions() throws {
        guard case .object(let members) = try read("{\n  \"a\": 1,\n\t\"b\": [\n2]\n}") else {
            Issue.record("not an object")
            return
        }
        #expect(members.map(\.position) == [.init(line: 2, column: 3), .init(line: 3, column: 2)])
    }

    @Test(
        "A syntax error says where, what and what else",
        arguments: [
            ("{\n \"a\" 1}", 2, 6, "\"1\"", "\":\""),
            ("{\"a\": 1", 1, 8, "the end of the file", "\",\" or \"}\""),
            ("[1,]", 1, 4, "\"]\"", "a value"),
            ("{\"a\":1,\"a\":2}", 1, 8, "the key \"a\" a second time", "each key once"),
            ("\"a\u{1}\"", 1, 3, "byte 0x1", "no control character within a string"),
            ("{'a':1}", 1, 2, "\"'\"", "a key in quotes"),
        ])
    func errors(text: String, line: Int, column: Int, found: String, expected: String) throws {
        let error = try #require(#expect(throws: JSONSyntaxError.self) { try read(text) })
        #expect(error.position == TextPosition(line: line, column: column))
        #expect(error.found == found)
        #expect(error.expected == expected)
    }

    @Test("Nesting is bounded")
    func depth() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONSyntaxError.self) { try read(deep) }
    }

    @Test(
        "What RFC 8259 allows is taken",
        arguments: [
            "{}", "[]", "0", "-1", "1e5", "1E+5", "0.5", "\"\"", " 1 ", "\"\\u0041\"", "\t\r\n1",
            "{\"a\":{\"b\":[1,2,{\"c\":null}]}}", "{\"\":1}",
        ])
    func allowed(text: String) {
        #expect(throws: Never.self) { try read(text) }
    }

    @Test(
        "What RFC 8259 does not allow is refused",
        arguments: [
            "01", "-", "+1", "1.", ".5", "1e", "\"", "tru", "truee", "nul", "NaN", "[1 2]",
            "{\"a\"}", "{\"a\":}", "{,}", "[,]", "1 1", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
            "\"\\ud800x\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "//c\n1", "", " ", "\u{feff}1",
        ])
    func refused(text: String) {
        #expect(throws: JSONSyntaxError.self) { try read(text) }
    }

    @Test("Any single byte changed never traps", arguments: 0..<40)
    func mutations(index: Int) {
        let document = Array(#"{"a":[1,-2.5e3,"\u00e9\n"],"b":{"c":nul"#.utf8)
        for byte in UInt8.min...UInt8.max {
            var mutated = document
            if index < mutated.count { mutated[index] = byte } else { mutated.append(byte) }
            do throws(JSONSyntaxError) {
                _ = try JSONReader.read(mutated)
            } catch {
                #expect(error.position.line >= 1 && error.position.column >= 1)
            }
        }
    }
}
