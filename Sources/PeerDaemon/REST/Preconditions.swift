import HTTPTypes

/// What identifies the state of a file to HTTP's caches (RFC 9110 §8.8).
struct Validators: Equatable {
    /// A strong entity tag, in its quotes.
    let entityTag: String
    let lastModified: HTTPDate
}

/// What the conditions of a request come to (RFC 9110 §13.2.2).
enum Precondition: Equatable {
    /// - Parameter rangeApplies: False when `If-Range` no longer holds.
    case perform(rangeApplies: Bool)
    case notModified
    case failed

    /// For GET and HEAD.
    init(_ fields: HTTPFields, _ validators: Validators, now: HTTPDate) {
        if let tags = fields[.ifMatch] {
            guard EntityTags(tags).containsStrong(validators.entityTag) else {
                self = .failed
                return
            }
        } else if let date = fields[.ifUnmodifiedSince].flatMap({ HTTPDate($0, now: now) }),
            validators.lastModified > date
        {
            self = .failed
            return
        }
        if let tags = fields[.ifNoneMatch] {
            if EntityTags(tags).containsWeak(validators.entityTag) {
                self = .notModified
                return
            }
        } else if let date = fields[.ifModifiedSince].flatMap({ HTTPDate($0, now: now) }),
            validators.lastModified <= date
        {
            self = .notModified
            return
        }
        self = .perform(rangeApplies: Self.rangeApplies(fields[.ifRange], validators, now))
    }

    private static func rangeApplies(
        _ condition: String?, _ validators: Validators, _ now: HTTPDate
    ) -> Bool {
        guard let condition else { return true }
        if condition.contains("\"") { return condition == validators.entityTag }
        // A date is a strong validator only when no later change can have the same (§8.8.2.2).
        return HTTPDate(condition, now: now) == validators.lastModified
            && validators.lastModified.seconds < now.seconds - 1
    }
}

/// The value of `If-Match` and `If-None-Match`: a list of entity tags, or `*`.
private struct EntityTags {
    private var isAny = false
    /// As they are written, `W/` included.
    private var tags: [Substring] = []

    init(_ field: String) {
        var rest = field[...]
        while let open = rest.firstIndex(where: { !", \t".contains($0) }) {
            rest = rest[open...]
            let prefix = rest.hasPrefix("W/\"") ? 3 : rest.hasPrefix("\"") ? 1 : 0
            guard prefix > 0, let close = rest.dropFirst(prefix).firstIndex(of: "\"") else {
                isAny = isAny || rest == "*"
                return
            }
            tags.append(rest[...close])
            rest = rest[rest.index(after: close)...]
        }
    }

    func containsStrong(_ tag: String) -> Bool {
        isAny || tags.contains { $0 == tag }
    }

    func containsWeak(_ tag: String) -> Bool {
        isAny || tags.contains { $0 == tag || $0 == "W/\(tag)" }
    }
}
