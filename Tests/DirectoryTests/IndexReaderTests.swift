import Directory
import Testing

@Suite("The reader of lists")
struct IndexReaderTests {
    private let reader: IndexReader

    init() {
        var limits = DirectoryLimits()
        limits.filesPerPeerMax = 3
        limits.listBytesMax = 20_000
        reader = IndexReader(limits: limits)
    }

    private func read(_ json: String) throws -> [IndexEntry] {
        try reader.list(Array(json.utf8)).entries
    }

    @Test("takes what original clients send, and more")
    func fine() throws {
        let digest = SHA256Digest(of: [])
        let json = """
             [ {"filename":"a b.txt","url":[]} ,
             {"url" : {"x": [1, -2.5e+3, "\\u00e9\\n", null, true]} , "size": 12, "type": {"a": []},
              "sha256": "\(digest.hexadecimal.uppercased())", "modified": -5,
              "filename": "old", "filename": "\\u00e9\\ud83d\\ude00\\/\\"\\\\"},
             {"filename":"n","size":null,"sha256":null,"modified":null,"url":null}]
            """
        let entries = try read(json)
        #expect(
            entries == [
                IndexEntry(filename: "a b.txt", url: "[]"),
                IndexEntry(
                    filename: "é😀/\"\\", size: 12, sha256: digest, modified: -5,
                    url: #"{"x": [1, -2.5e+3, "\u00e9\n", null, true]}"#),
                IndexEntry(filename: "n", url: "null"),
            ])
        #expect(try read("[]") == [])
        #expect(
            try read(#"[{"filename":"x","url":1},{"filename":"x","url":2}]"#).map(\.url) == ["1"])
    }

    @Test(
        "refuses what is no list of files",
        arguments: [
            "", " ", "null", "{}", "[", "[]]", "[] x", "[1]", "[[]]", "[{}]", "[null]", "[\"a\"]",
            #"[{"filename":1}]"#, #"[{"filename":null}]"#, #"[{"filename":["a"]}]"#,
            #"[{"filename":"a"},]"#, #"[{"filename":"a",}]"#, #"[{"filename":"a""url":1}]"#,
            #"[{"filename":"a","url":}]"#, #"[{"filename":"a","url":[}]"#, #"[{"filename":"a"}"#,
            #"[{"filename":"a","url":01}]"#, #"[{"filename":"a","url":+1}]"#,
            #"[{"filename":"a","url":1.}]"#, #"[{"filename":"a","url":nul}]"#,
            #"[{"filename":"a","url":NaN}]"#, #"[{'filename':'a'}]"#, #"[{"filename":"a\x"}]"#,
            #"[{"filename":"\ud800"}]"#, #"[{"filename":"\udc00\ud800"}]"#,
            #"[{"filename":"\u12"}]"#,
            #"[{"filename":"\ud800\u0041"}]"#, "[{\"filename\":\"a\nb\"}]", #"[{"filename":"a"#,
            #"[{"filename":"a\u0000"}]"#, #"[{"filename":""}]"#, #"[{"filename":"/a"}]"#,
            #"[{"filename":"a/"}]"#, #"[{"filename":"a//b"}]"#, #"[{"filename":"../a"}]"#,
            #"[{"filename":"a/.."}]"#, #"[{"filename":"./a"}]"#, #"[{"filename":"."}]"#,
            #"[{"filename":"a","size":-1}]"#, #"[{"filename":"a","size":1.5}]"#,
            #"[{"filename":"a","size":"1"}]"#, #"[{"filename":"a","size":99999999999999999999}]"#,
            #"[{"filename":"a","sha256":"00"}]"#, #"[{"filename":"a","sha256":5}]"#,
            "\u{FEFF}[]", #"[{"filename":"a"}] []"#,
        ])
    func refused(json: String) {
        #expect(throws: IndexFault.self) { try read(json) }
    }

    @Test("keeps to its limits")
    func limits() throws {
        let file = #"{"filename":"N"}"#
        #expect(throws: IndexFault.tooManyFiles(limit: 3)) {
            try read("[\([file, file, file, file].joined(separator: ","))]")
        }
        let spaces = String(repeating: " ", count: 20_000)
        #expect(throws: IndexFault.tooLarge(bytes: 20_002, limit: 20_000)) {
            try read("[\(spaces)]")
        }
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try read(#"[{"filename":"a","url":\#(nested(16))}]"#).count == 1)
        #expect(throws: IndexFault.self) { try read(#"[{"filename":"a","url":\#(nested(17))}]"#) }
        #expect(throws: IndexFault.self) { try read(nested(9_000)) }
        #expect(throws: IndexFault.self) {
            try read(#"[{"filename":"a","other":\#(nested(9_000))}]"#)
        }
        let long = String(repeating: "x", count: 2048)
        #expect(try read(#"[{"filename":"\#(long)"}]"#).count == 1)
        #expect(throws: IndexFault.self) { try read(#"[{"filename":"\#(long)x"}]"#) }
        #expect(throws: IndexFault.self) {
            try read(#"[{"filename":"a","url":"\#(long)\#(long)"}]"#)
        }
    }

    @Test("refuses bytes that are not UTF-8, wherever they are kept")
    func encoding() {
        let bad: [UInt8] = [0xFF]
        for (before, after) in [
            (#"[{"filename":""#, #""}]"#), (#"[{"filename":"a","url":""#, #""}]"#),
        ] {
            let json = Array(before.utf8) + bad + Array(after.utf8)
            #expect(throws: IndexFault.self) { try reader.list(json) }
        }
    }

    @Test("survives damaged lists of any kind", arguments: [1, 2, 3] as [UInt64])
    func damaged(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let whole = Array(
            #"[{"filename":"é\u00e9.txt","url":[1,{"a":null}],"size":10},{"filename":"b"}]"#.utf8)
        for _ in 0..<2000 {
            var json = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: json.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: json[place] = UInt8.random(in: 0...255, using: &random)
                case 1: json.remove(at: place)
                default: json.insert(json[Int.random(in: json.indices, using: &random)], at: place)
                }
            }
            do {
                let list = try reader.list(json)
                #expect(list.entries.count <= 3)
            } catch {
                #expect(!"\(error)".isEmpty, "seed \(seed)")
            }
        }
    }

    @Test("reads deltas, each file once")
    func delta() throws {
        let base = IndexVersion.empty.sum.hexadecimal
        let json = #"{"base":"\#(base)","changed":[{"filename":"a"}],"removed":["b"],"x":[]}"#
        #expect(
            try reader.delta(Array(json.utf8))
                == IndexDelta(base: .empty, changed: [IndexEntry(filename: "a")], removed: ["b"]))
        for json in [
            "{}", "[]", #"{"base":"0"}"#, #"{"base":"\#(base)","removed":[1]}"#,
            #"{"base":"\#(base)","changed":[{"filename":"a"},{"filename":"a"}]}"#,
            #"{"base":"\#(base)","changed":[{"filename":"a"}],"removed":["a"]}"#,
        ] {
            #expect(throws: IndexFault.self) { try reader.delta(Array(json.utf8)) }
        }
    }
}

@Suite("The version of a list")
struct IndexVersionTests {
    @Test("is that of its files, whatever their order")
    func order() {
        let one = IndexEntry(filename: "a", size: 1, url: "[]")
        let two = IndexEntry(filename: "b")
        #expect(IndexVersion(of: [one, two]) == IndexVersion(of: [two, one]))
        #expect(IndexVersion(of: [one]) != IndexVersion(of: [two]))
        #expect(IndexVersion(of: []) == .empty)
        // printf 'a\0001\000\000\000[]' | sha256sum
        #expect(
            IndexVersion(of: [one]).sum.hexadecimal
                == "2dc5d5ea7f97fd01e29c4b8a61d865e67b0fc4439442ba9633b7b2fc5b3d6f21")
    }

    @Test("tells every field from every other")
    func fields() {
        let digest = SHA256Digest(of: [])
        let entries = [
            IndexEntry(filename: "1"), IndexEntry(filename: "1", size: 1),
            IndexEntry(filename: "1", modified: 1), IndexEntry(filename: "1", url: "1"),
            IndexEntry(filename: "1", sha256: digest), IndexEntry(filename: "11"),
            IndexEntry(filename: "1", url: digest.hexadecimal),
        ]
        #expect(Set(entries.map(\.digest)).count == entries.count)
    }

    @Test("comes back when what was added is removed", arguments: [1, 2, 3] as [UInt64])
    func inverse(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var version = IndexVersion.empty
        let entries = (0..<200).map { IndexEntry(filename: "f\($0)") }
        for entry in entries { version.add(entry) }
        #expect(version == IndexVersion(of: entries.shuffled(using: &random)))
        for entry in entries.shuffled(using: &random) { version.remove(entry) }
        #expect(version == .empty)
    }
}
