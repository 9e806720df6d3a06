/// An interface's text in Varlink's IDL, and what a service needs to know of it.
package struct InterfaceDescription: Sendable {
    /// As it is given out, comments and all.
    package let text: String
    /// As in `org.example.Interface`.
    package let name: String
    /// Without the interface's name.
    package let methods: Set<String>

    /// Reads the name and the methods off `text`; the rest is for clients to parse.
    ///
    /// - Returns: `nil` when the text has no line `interface NAME`.
    package init?(_ text: String) {
        var name: String?
        var methods: Set<String> = []
        // Both keywords open a line in every interface; inside a type they name no line's first
        // word followed by a name and a parenthesis.
        for line in text.split(separator: "\n") {
            let words = line.split(
                maxSplits: 2, whereSeparator: { $0 == " " || $0 == "\t" || $0 == "(" })
            guard words.count >= 2 else { continue }
            switch words[0] {
            case "interface": name = String(words[1])
            case "method" where line.contains("("): methods.insert(String(words[1]))
            default: continue
            }
        }
        guard let name else { return nil }
        self.text = text
        self.name = name
        self.methods = methods
    }
}
