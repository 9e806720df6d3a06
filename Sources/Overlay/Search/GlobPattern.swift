/// A pattern for whole names: `*` any run, `?` one character, `[a-z]` one of them, `[!a-z]` none of them,
/// `\` takes the next as it stands. As POSIX has it (XCU 2.14), but for equivalence classes.
///
/// Pattern and names were folded by one and the same rule before.
package struct GlobPattern: Hashable, Sendable {
    private enum Token: Hashable, Sendable {
        case literal(Unicode.Scalar)
        case one
        case run
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    /// Longer ones are refused, since each character may be tried for each of the name.
    package static let lengthMax = 256

    private let tokens: [Token]

    /// nil past ``lengthMax`` characters. A `[` without its end stands for itself.
    package init?(_ pattern: String) {
        let scalars = Array(pattern.unicodeScalars)
        guard scalars.count <= Self.lengthMax else { return nil }
        var tokens: [Token] = []
        var place = 0
        while place < scalars.count {
            let (token, length) = Self.token(scalars[place...])
            if token != .run || tokens.last != .run { tokens.append(token) }
            place += length
        }
        self.tokens = tokens
    }

    /// The first token, and how many characters it takes.
    private static func token(_ rest: ArraySlice<Unicode.Scalar>) -> (Token, Int) {
        let start = rest.startIndex
        switch rest[start] {
        case "*": return (.run, 1)
        case "?": return (.one, 1)
        case "\\" where rest.count > 1: return (.literal(rest[start + 1]), 2)
        case "[": return set(rest) ?? (.literal("["), 1)
        default: return (.literal(rest[start]), 1)
        }
    }

    /// nil where the set does not end.
    private static func set(_ rest: ArraySlice<Unicode.Scalar>) -> (Token, Int)? {
        var place = rest.startIndex + 1
        let isNegated = place < rest.endIndex && (rest[place] == "!" || rest[place] == "^")
        if isNegated { place += 1 }
        let first = place
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while place < rest.endIndex {
            // Right at the beginning a `]` is one of the set.
            if rest[place] == "]", place > first {
                return (.set(ranges, isNegated: isNegated), place + 1 - rest.startIndex)
            }
            let low = rest[place]
            if place + 2 < rest.endIndex, rest[place + 1] == "-", rest[place + 2] != "]" {
                if low <= rest[place + 2] { ranges.append(low...rest[place + 2]) }
                place += 3
            } else {
                ranges.append(low...low)
                place += 1
            }
        }
        return nil
    }

    /// Whether the whole of `name` is as the pattern says.
    package func matches(_ name: [UInt8]) -> Bool {
        let scalars = Array(String(decoding: name, as: UTF8.self).unicodeScalars)
        var (place, token) = (0, 0)
        // Where the last run began to be tried, so that it can take one character more.
        var retry: (token: Int, place: Int)?
        while place < scalars.count {
            if token < tokens.count, tokens[token] == .run {
                retry = (token, place)
                token += 1
            } else if token < tokens.count, Self.takes(tokens[token], scalars[place]) {
                token += 1
                place += 1
            } else if let last = retry {
                retry = (last.token, last.place + 1)
                (token, place) = (last.token + 1, last.place + 1)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .run }
    }

    private static func takes(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
        switch token {
        case .literal(let wanted): scalar == wanted
        case .one: true
        case .run: false
        case .set(let ranges, let isNegated):
            ranges.contains { $0.contains(scalar) } != isNegated
        }
    }

    /// The texts that each name it takes contains.
    var literals: [[UInt8]] {
        var texts: [[UInt8]] = [[]]
        for token in tokens {
            if case .literal(let scalar) = token {
                texts[texts.count - 1] += Array(String(scalar).utf8)
            } else if texts.last?.isEmpty == false {
                texts.append([])
            }
        }
        return texts.filter { !$0.isEmpty }
    }
}
