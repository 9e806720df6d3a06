extension ValueKind where Value == Bool {
    static var flag: Self {
        Self(
            expected: "true or false",
            parse: { value in
                guard case .bool(let flag) = value else { return nil }
                return flag
            },
            parseText: { ["true": .bool(true), "false": .bool(false)][$0] ?? .string($0) },
            render: { "\($0)" })
    }
}

extension ValueKind where Value == DirectoryStoreLocation {
    static var store: Self {
        Self(
            expected: "sqlite or a URL such as postgresql://host/database",
            parse: { value in
                guard case .string(let text) = value else { return nil }
                if text == "sqlite" { return .sqlite }
                return ConnectionURL(text).map { .postgresql($0) }
            },
            parseText: { .string($0) }, render: \.description)
    }
}

extension ValueKind where Value == [String] {
    /// REST base URLs, each kept without its last slash. As text: separated by commas.
    static var urls: Self {
        let countMax = 16  // guess: each is tried in turn
        return Self(
            expected: "a URL such as http://host:8000, or an array of at most \(countMax)",
            parse: { value in
                let elements: [JSONValue]
                switch value {
                case .string(""): return []
                case .string: elements = [value]
                case .array(let several): elements = several
                default: return nil
                }
                guard elements.count <= countMax else { return nil }
                let urls = elements.compactMap { element -> String? in
                    guard case .string(let text) = element else { return nil }
                    return HTTPBaseURL.normalized(text)
                }
                return urls.count == elements.count ? urls : nil
            },
            parseText: { text in
                .array(text.split(separator: ",").map { .string(String($0)) })
            },
            render: { $0.joined(separator: ",") })
    }
}

extension ValueKind where Value == String? {
    /// What `kind` takes, or nothing: "".
    static func optional(_ kind: ValueKind<String>) -> Self {
        Self(
            expected: "\(kind.expected), or \"\"",
            parse: { value -> String?? in
                if value == .string("") { return .some(nil) }
                return kind.parse(value).map { .some($0) }
            },
            parseText: { .string($0) }, render: { $0 ?? "" })
    }
}
