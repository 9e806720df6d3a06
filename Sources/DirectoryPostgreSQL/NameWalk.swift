import Directory
import Folding
import PostgreSQL

/// Finds names with a part, in the order of their ids, some at a time.
///
/// What many names have is found by reading them one after the other; what few have is looked up in
/// the index, by windows of ids: few at first, and more at a time as long as little is found. A
/// window that turns out to have many is read.
struct NameWalk {
    /// Names that are read at once.
    private static let blockNames = 1_024
    /// One in so many is worth reading: below that the index is quicker. (guess: a name that is
    /// read in order costs a third of one from the index)
    private static let commonShare = 50
    /// Names of one answer of the index.
    private static let namesMax = 256
    /// Those of one window that are looked at; one that has more is read.
    private static let windowNamesMax: Int64 = 2_048
    /// Windows that are looked up at once, at most: for all of three grams, and for one of the
    /// hundreds that begin with two bytes.
    private static let windowsMax: (all: Int64, any: Int64) = (64, 4)
    /// After an answer with fewer names, four times as many windows are looked up.
    private static let sparse = 16

    private let wanted: [UInt8]
    private let query: NameGrams.Query
    private let last: Int64
    /// The first id that has not been looked at.
    private var next: Int64
    /// Ids below this are read, not looked up.
    private var readEnd: Int64
    /// They are because of the sample.
    private var isGuess: Bool
    private var windows: Int64 = 1
    /// What looking one window up took last.
    private var windowTime = Duration.zero

    /// - Parameters:
    ///   - wanted: Folded, not empty, without NUL.
    ///   - last: The highest id.
    ///   - first: The lowest id that may be found.
    init(_ wanted: [UInt8], _ sample: NameSample, last: Int64, from first: Int64) {
        self.wanted = wanted
        self.last = last
        next = first
        query = NameGrams.query(for: wanted, sample)
        isGuess = sample.isCommon(wanted, share: Self.commonShare)
        readEnd = isGuess ? IDWindow.start(of: IDWindow.number(of: first) + 1) : 0
    }

    var isAtEnd: Bool { next > last }

    /// Some names, and the place behind all that were looked at.
    struct Step {
        var names: [Int64]
        var end: EntryPosition
    }

    /// - Parameter deadline: No more windows are looked up at once than should be done by then.
    mutating func next(
        _ db: Connection, until deadline: ContinuousClock.Instant
    ) throws -> Step {
        let names: [Int64]
        switch query {
        case .none: names = try read(db)
        case .all, .any: names = try next < readEnd ? read(db) : lookUp(db, until: deadline)
        }
        return Step(names: names, end: EntryPosition(name: next, account: 0))
    }

    // MARK: Reading

    private mutating func read(_ db: Connection) throws -> [Int64] {
        var matching: [Int64] = []
        let ids = try db.rows(
            "SELECT id, filename FROM directory_name WHERE id >= $1 ORDER BY id LIMIT $2",
            [.integer(next), .integer(Int64(Self.blockNames))]
        ) { row in
            if FoldedName(ofFile: row.text(1)).contains(wanted) { matching.append(row.integer(0)) }
            return row.integer(0)
        }
        next = ids.count < Self.blockNames ? last + 1 : ids[ids.count - 1] + 1
        // Not so common here.
        if isGuess, matching.count * Self.commonShare * 2 < ids.count { readEnd = 0 }
        return matching
    }

    // MARK: Looking up

    private struct Row {
        let window: Int64
        let id: Int64
        let isMatching: Bool
        /// The window has more names than are looked at.
        let isDense: Bool
    }

    private mutating func lookUp(
        _ db: Connection, until deadline: ContinuousClock.Instant
    ) throws -> [Int64] {
        let first = IDWindow.number(of: next)
        let start = ContinuousClock.now
        let count = min(
            windows, affordable(deadline - start), IDWindow.number(of: last) - first + 1)
        let rows = try rows(db, first..<(first + count))
        windowTime = (ContinuousClock.now - start) / Int(count)
        if let dense = rows.first(where: \.isDense) {
            (windows, isGuess) = (1, false)
            next = max(next, IDWindow.start(of: dense.window))
            readEnd = IDWindow.start(of: dense.window + 1)
            return rows.filter { $0.window < dense.window && $0.isMatching }.map(\.id)
        }
        if rows.isEmpty {
            next = try firstID(db, from: IDWindow.start(of: first + count))
        } else if rows.count < Self.namesMax {
            next = IDWindow.start(of: first + count)
        } else if let row = rows.last {
            next = row.id + 1
        }
        if rows.count < Self.sparse { windows = min(4 * windows, windowsMax) }
        return rows.filter(\.isMatching).map(\.id)
    }

    /// Windows that should be looked up in `time`; at least one, so that a walk gets on.
    private func affordable(_ time: Duration) -> Int64 {
        guard windowTime > .zero else { return windowsMax }
        return max(1, Int64(time / windowTime))
    }

    /// Over the ids of names that are gone.
    private func firstID(_ db: Connection, from start: Int64) throws -> Int64 {
        try db.first(
            "SELECT id FROM directory_name WHERE id >= $1 ORDER BY id LIMIT 1", [.integer(start)]
        ) { $0.integer(0) } ?? last + 1
    }

    private var windowsMax: Int64 {
        if case .any = query { Self.windowsMax.any } else { Self.windowsMax.all }
    }

    /// The names that have the grams: by windows, which are walked in their order (a LATERAL can
    /// be joined in no other way), and by ids within each.
    private func rows(_ db: Connection, _ windows: Range<Int64>) throws -> [Row] {
        let (condition, grams) = condition()
        return try db.rows(
            """
            SELECT number, found.id, found.filename, found.total >= $4
            FROM generate_series($1::bigint, $2::bigint) AS wanted (number), LATERAL (
                SELECT id, filename, count(*) OVER () AS total FROM (
                    SELECT id, filename FROM directory_name WHERE \(condition) LIMIT $4
                    ) AS matching
                ORDER BY id) AS found
            -- Of a dense window any row: it has more than were looked at, perhaps all behind $3.
            WHERE found.id >= $3 OR found.total >= $4 LIMIT $5
            """,
            [
                .integer(windows.lowerBound), .integer(windows.upperBound - 1), .integer(next),
                .integer(Self.windowNamesMax), .integer(Int64(Self.namesMax)),
                .integers(grams.map(Int64.init)),
            ]
        ) { row in
            Row(
                window: row.integer(0), id: row.integer(1),
                isMatching: FoldedName(ofFile: row.text(2)).contains(wanted),
                isDense: row.boolean(3))
        }
    }

    /// The operators by their schema: the extension intarray has some of the same names.
    private func condition() -> (sql: String, grams: [Int32]) {
        let element = IDWindow.elementSQL(gram: "gram", window: "number")
        let elements = "ARRAY(SELECT \(element) FROM unnest($6::bigint[]) AS gram)"
        return switch query {
        case .all(let grams): ("elements OPERATOR(pg_catalog.@>) \(elements)", grams)
        case .any(let grams): ("elements OPERATOR(pg_catalog.&&) \(elements)", grams)
        case .none: ("false", [])
        }
    }
}
