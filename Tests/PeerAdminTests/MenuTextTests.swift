import CLinux
import Glibc
import Testing

@testable import PeerAdmin
@testable import Varlink

@Suite("Texts and input of the menu")
struct MenuTextTests {
    @Test(
        "Every text is there in both languages, with the same values", arguments: MenuText.allCases)
    func complete(text: MenuText) {
        let words = text.words
        #expect(!words.english.isEmpty && !words.spanish.isEmpty)
        #expect(words.english != words.spanish)
        #expect(Self.values(words.english) == Self.values(words.spanish))
        // A narrow terminal breaks long lines; a question and its answer stay together.
        #expect(words.english.hasSuffix(": ") == words.spanish.hasSuffix(": "))
    }

    private static func values(_ text: String) -> Set<Substring> {
        let parts = text.split(separator: "{", omittingEmptySubsequences: false).dropFirst()
        return Set(parts.compactMap { $0.split(separator: "}").first })
    }

    @Test("Without UTF-8 no text has a letter outside ASCII", arguments: MenuText.allCases)
    func plain(text: MenuText) {
        for language in ["es_ES.ISO-8859-1", "C"] {
            let phrases = MenuPhrases(locale: MenuLocale(environment: ["LC_ALL": language]))
            #expect(phrases(text, "a", "b").utf8.allSatisfy { $0 < 0x80 }, "\(phrases(text))")
        }
    }

    @Test(
        "The language is that of the first locale that is set",
        arguments: [
            ([:], MenuLanguage.english), (["LANG": "es_CO.UTF-8"], .spanish),
            (["LANG": "es"], .spanish), (["LANG": "et_EE"], .english),
            (["LC_ALL": "C", "LANG": "es_CO.UTF-8"], .english),
            (["LC_ALL": "", "LC_MESSAGES": "es_ES@euro", "LANG": "C"], .spanish),
            (["LC_MESSAGES": "en_US.UTF-8", "LANG": "es_CO.UTF-8"], .english),
        ])
    func language(environment: [String: String], expected: MenuLanguage) {
        #expect(MenuLocale(environment: environment).language == expected)
    }

    @Test("Values are made harmless, and may look like places for values")
    func values() {
        let phrases = MenuPhrases(locale: MenuLocale(environment: ["LANG": "C"]))
        #expect(phrases(.thisPeer, "\u{1b}[2J") == "\\u{1b}[2J (this peer)")
        #expect(phrases(.badNumber, "{1}", "3").hasPrefix("\"{1}\" is none"))
        #expect(phrases(.thisPeer, String(repeating: "a", count: 5000)).count < 500)
    }

    @Test("Lines end in LF or CR LF or with the input, and are bounded")
    func lines() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let reader = OwnedDescriptor(owning: ends[0])
        let wakeup = OwnedDescriptor(owning: clinux_event_counter())
        let text = " 1 \r\n\n" + String(repeating: "x", count: 10_000) + "\nlast"
        let bytes = Array(text.utf8)
        #expect(write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        let input = MenuInput(
            descriptor: reader.rawValue, interrupt: nil, wakeup: wakeup.rawValue)
        #expect(input.next() == .line("1"))
        #expect(input.next() == .line(""))
        #expect(input.next() == .line(String(repeating: "x", count: MenuInput.lineBytesMax)))
        #expect(input.next() == .line("last"))
        #expect(input.next() == .end)
        #expect(input.next() == .end)
    }
}
