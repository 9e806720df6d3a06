/// What the menu is spoken in.
enum MenuLanguage: CaseIterable {
    case english
    case spanish
}

/// Language and letters of a user's terminal, by the locale (locale(7)): the first of `LC_ALL`,
/// `LC_MESSAGES` and `LANG` that is not empty, as in "es_CO.UTF-8".
struct MenuLocale: Equatable {
    let language: MenuLanguage
    /// Where the locale does not say UTF-8, an accent could come out as two wrong letters.
    let hasAccents: Bool

    init(environment: [String: String]) {
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"].compactMap { environment[$0] }
        let locale = (names.first { !$0.isEmpty } ?? "C").lowercased()
        let code = locale.prefix { $0 != "_" && $0 != "." && $0 != "@" && $0 != "-" }
        language = code == "es" ? .spanish : .english
        hasAccents = locale.contains("utf-8") || locale.contains("utf8")
    }
}

/// The menu's texts in a user's language.
struct MenuPhrases {
    /// Columns of a value in a text; what is longer is cut, so that one paste cannot fill a screen.
    static let valueColumnsMax = 400

    let locale: MenuLocale

    /// - Parameters:
    ///   - values: Stand for `{0}`, `{1}` and so on; may come from anywhere.
    ///   - verbatim: One more value, which has been made harmless to a terminal.
    func callAsFunction(_ text: MenuText, _ values: String..., verbatim: String? = nil) -> String {
        let values = values.map(Self.shown) + (verbatim.map { [$0] } ?? [])
        let words = text.words
        let template = locale.language == .spanish ? words.spanish : words.english
        var result = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            result += letters(rest[..<open])
            if let index = Int(rest[rest.index(after: open)..<close]), index < values.count {
                result += values[index]
            }
            rest = rest[rest.index(after: close)...]
        }
        return result + letters(rest)
    }

    private static func shown(_ value: String) -> String {
        let text = TerminalText.escaped(value)
        return text.count <= valueColumnsMax ? text : text.prefix(valueColumnsMax) + "~"
    }

    private func letters(_ text: Substring) -> String {
        locale.hasAccents ? String(text) : String(text.flatMap { Self.plain[$0] ?? String($0) })
    }

    private static let plain: [Character: String] = [
        "á": "a", "é": "e", "í": "i", "ó": "o", "ú": "u", "ñ": "n", "Ó": "O", "¿": "", "¡": "",
    ]
}
