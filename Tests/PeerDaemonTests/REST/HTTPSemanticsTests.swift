import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import PeerDaemon

@Suite("RESTTests: ranges, conditions, dates, targets")
struct RESTTestsHTTPSemantics {
    @Test(
        "A range is what RFC 9110 makes of it",
        arguments: [
            (nil, 10, .whole), ("bytes=0-0", 10, .part(0..<1)), ("bytes=9-", 10, .part(9..<10)),
            ("bytes=0-99", 10, .part(0..<10)), ("bytes=-3", 10, .part(7..<10)),
            ("bytes=-99", 10, .part(0..<10)), ("bytes=-0", 10, .unsatisfiable),
            ("bytes=10-", 10, .unsatisfiable), ("bytes=0-", 0, .unsatisfiable),
            ("bytes=-5", 0, .whole), ("bytes=5-4", 10, .whole), ("bytes=", 10, .whole),
            ("bytes=-", 10, .whole), ("bytes=a-b", 10, .whole), ("lines=0-1", 10, .whole),
            ("bytes=0-1,3-4", 10, .whole), ("BYTES= 1-2", 10, .part(1..<3)),
            ("bytes=1--2", 10, .whole), ("bytes=+1-2", 10, .whole),
            ("bytes=99999999999999999999-", 10, .unsatisfiable),
            ("bytes=1-99999999999999999999", 10, .part(1..<10)),
            ("bytes=-99999999999999999999", 10, .part(0..<10)),
            ("bytes=0-9223372036854775807", 10, .part(0..<10)),
        ] as [(String?, Int64, ByteRange)])
    func ranges(field: String?, size: Int64, range: ByteRange) {
        #expect(ByteRange(field: field, size: size) == range)
    }

    private static let validators = Validators(
        entityTag: "\"a\"", lastModified: HTTPDate(seconds: 784_111_777))
    private static let then = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"

    @Test(
        "Conditions are evaluated in their order",
        arguments: [
            ([:], .perform(rangeApplies: true)),
            ([.ifNoneMatch: "\"a\""], .notModified), ([.ifNoneMatch: "W/\"a\""], .notModified),
            ([.ifNoneMatch: "*"], .notModified),
            ([.ifNoneMatch: "\"x,\", \"a\""], .notModified),
            ([.ifNoneMatch: "\"b\"", .ifModifiedSince: then], .perform(rangeApplies: true)),
            ([.ifModifiedSince: then], .notModified),
            ([.ifModifiedSince: before], .perform(rangeApplies: true)),
            ([.ifModifiedSince: "rubbish"], .perform(rangeApplies: true)),
            ([.ifMatch: "\"b\""], .failed), ([.ifMatch: "W/\"a\""], .failed),
            ([.ifMatch: "\"b\", \"a\"", .ifNoneMatch: "\"a\""], .notModified),
            ([.ifMatch: "*"], .perform(rangeApplies: true)),
            ([.ifMatch: "\"a\"", .ifUnmodifiedSince: before], .perform(rangeApplies: true)),
            ([.ifUnmodifiedSince: before], .failed),
            ([.ifUnmodifiedSince: then], .perform(rangeApplies: true)),
            ([.ifRange: "\"a\""], .perform(rangeApplies: true)),
            ([.ifRange: "W/\"a\""], .perform(rangeApplies: false)),
            ([.ifRange: then], .perform(rangeApplies: true)),
            ([.ifRange: before], .perform(rangeApplies: false)),
        ] as [(HTTPFields, Precondition)])
    func conditions(fields: HTTPFields, outcome: Precondition) {
        let now = HTTPDate(seconds: 2_000_000_000)
        #expect(Precondition(fields, Self.validators, now: now) == outcome)
    }

    @Test("A date is no strong validator while the file may still change within its second")
    func weakDate() {
        let now = HTTPDate(seconds: Self.validators.lastModified.seconds + 1)
        #expect(
            Precondition([.ifRange: Self.then], Self.validators, now: now)
                == .perform(rangeApplies: false))
    }

    @Test("The three forms of a date mean the same")
    func dates() {
        let now = HTTPDate(seconds: 1_700_000_000)
        for text in [Self.then, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(HTTPDate(text, now: now)?.seconds == 784_111_777)
        }
        for text in ["", "Sun, 06 Nov 1994 08:49:37 EST", "Sun, 06 Nov 1994 25:49:37 GMT", "x"] {
            #expect(HTTPDate(text, now: now) == nil)
        }
    }

    @Test(
        "A date survives being written and read",
        arguments: [0, 951_782_400, 951_868_799, 1_709_164_800, 4_107_542_400, -1, -2_208_988_800])
    func dateRoundTrip(seconds: Int64) {
        let date = HTTPDate(seconds: seconds)
        #expect(HTTPDate(date.httpText, now: date) == date)
    }

    @Test("Known dates are written as others write them")
    func knownDates() {
        #expect(HTTPDate(seconds: 0).httpText == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate(seconds: 951_782_400).httpText == "Tue, 29 Feb 2000 00:00:00 GMT")
        #expect(HTTPDate(nanoseconds: -1).rfc3339 == "1969-12-31T23:59:59Z")
    }

    @Test("A target is split but not decoded")
    func targets() throws {
        let target = RequestTarget("/a%2Fb?x=1&y=a+b%26&x=2&z&=q")
        #expect(target.path == "/a%2Fb")
        #expect(try target.parameter("x") == "1")
        #expect(try target.parameter("y") == "a b&")
        #expect(try target.parameter("z") == "")
        #expect(try target.parameter("w") == nil)
        #expect(RequestTarget("http://h:1/p?x=1").path == "/p")
        #expect(RequestTarget("http://h:1?x=1").path == "")
        #expect(RequestTarget("http://h").path == "/")
        #expect(RequestTarget("//etc").path == "//etc")
        #expect(Route(path: RequestTarget("*").path) == nil)
        #expect(Route(path: RequestTarget("").path) == nil)
    }
}
