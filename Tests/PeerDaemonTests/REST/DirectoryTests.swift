import Directory
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

@testable import PeerDaemon

/// A face that is a directory, with the accounts Peer1 to Peer3, and a clock that stands.
private struct DirectoryTester {
    let rest: RESTTester
    let service: DirectoryService
    private let milliseconds = MovedNumber(1_700_000_000_000)
    private let directory: SharedDirectory

    init(requestsPerMinute: Int = 0, searchTime: Duration = .seconds(10)) async throws {
        directory = try SharedDirectory()
        let clock = milliseconds
        var configuration = DirectoryService.Configuration()
        configuration.passwords = .weakest
        var store = SQLiteStore.Configuration()
        store.searchTime = searchTime
        service = try DirectoryService(
            store: try SQLiteStore(
                path: "\(directory.path)/directory.sqlite", configuration: store),
            configuration: configuration, clock: { UnixTime(milliseconds: clock.value) })
        for number in 1...3 {
            try await service.addAccount(name: "Peer\(number)", password: "sd1234")
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        rest = try RESTTester(
            directory: DirectoryRole(service: service, storeName: "sqlite", logger: logger))
        rest.node.state.withLock { $0.settings.requestsPerMinute = requestsPerMinute }
    }

    func pass(seconds: Int64) { milliseconds.add(seconds * 1000) }

    func logIn(_ peer: String = "Peer1", _ more: String = "") async throws -> String {
        let response = try await rest.ask(
            .post, "/v1/directory/login",
            body: #"{"username":"\#(peer)","password":"sd1234"\#(more)}"#)
        guard response.status == .ok, case .string(let token)? = try rest.json(response).token
        else { throw RESTTester.Unexpected(status: response.status.code) }
        return token
    }

    func ask(
        _ method: HTTPRequest.Method, _ path: String, token: String, body: String? = nil
    ) async throws -> TestResponse {
        try await rest.ask(method, path, [.authorization: "Bearer \(token)"], body: body)
    }
}

/// A number that tests move.
private final class MovedNumber: Sendable {
    private let number: Mutex<Int64>
    init(_ number: Int64) { self.number = Mutex(number) }
    var value: Int64 { number.withLock { $0 } }
    func add(_ more: Int64) { number.withLock { $0 += more } }
}

@Suite("RESTTests: the directory")
struct RESTTestsDirectory {
    private static let list = #"[{"filename":"a b.txt","url":[]},{"filename":"a b.txt","url":[1]}]"#
    private static let query =
        "files_index=%5B%7B%22filename%22%3A+%22a+b.txt%22%2C+%22url%22%3A+%5B%5D%7D%5D"

    @Test(
        "Where no directory is served its resources are not there",
        arguments: DirectoryRoute.allCases)
    func absent(route: DirectoryRoute) async throws {
        let method = try #require(route.methods.first)
        let response = try await RESTTester().ask(method, route.rawValue)
        #expect(response.status == .notFound)
    }

    @Test("The original's clients read, word for word, what they always have")
    func original() async throws {
        let tester = try await DirectoryTester()
        let rest = tester.rest
        let login = try await rest.ask(
            .post, "/login?username=Peer1&password=sd1234&\(Self.query)")
        #expect(login.status == .ok)
        #expect(try rest.json(login).keys == ["status", "token"])
        #expect(
            try await rest.ask(.get, "/buscar_archivos?filename=a+b.txt").text
                == #"{"archivo":"a b.txt","disponible_en":[{"peer":"Peer1","url":[]}]}"#)
        #expect(try await rest.ask(.get, "/peers_activos").text == #"{"peers":["Peer1"]}"#)
        #expect(
            try await rest.ask(.get, "/ver_archivos").text
                == #"{"archivos":[{"peer":"Peer1","filename":"a b.txt","url":[]}]}"#)
        tester.pass(seconds: 60)
        #expect(try await rest.ask(.get, "/peers_activos").text == #"{"peers":[]}"#)
        #expect(try await rest.ask(.get, "/ver_archivos").text == #"{"archivos":[]}"#)
        #expect(try await rest.ask(.get, "/buscar_archivos?filename=a+b.txt").status == .notFound)
    }

    @Test(
        "What the original refuses is refused in its words",
        arguments: [
            ("username=Peer1&password=x&files_index=[]", 401, "Usuario o contraseña incorrectos"),
            (
                "username=Nadie&password=sd1234&files_index=[]", 401,
                "Usuario o contraseña incorrectos"
            ),
            (
                "username=Peer1&password=sd1234&files_index=x", 400,
                "Formato inválido en files_index"
            ),
            (
                "username=Peer1&password=sd1234&files_index=%zz", 400,
                "Formato inválido en files_index"
            ),
            (
                "username=Peer1&password=sd1234&files_index=%7B%7D", 400,
                "Formato inválido en files_index"
            ),
            ("password=sd1234&files_index=[]", 400, "Falta el parámetro 'username'"),
        ])
    func originalRefusals(query: String, status: Int, detail: String) async throws {
        let rest = try await DirectoryTester().rest
        let response = try await rest.ask(.post, "/login?\(query)")
        #expect(response.status.code == status)
        let problem = try rest.json(response)
        #expect(problem.detail == .string(detail))
        #expect(problem.instance == "/login")
        if status == 401 { #expect(response.headers[.wwwAuthenticate] != nil) }
    }

    @Test("A session goes from login over list and change to logout")
    func session() async throws {
        let tester = try await DirectoryTester()
        let rest = tester.rest
        let token = try await tester.logIn(
            "Peer1", #","url":"http://192.0.2.7:8001","grpc":"grpc://192.0.2.7:50051","id":"ab""#)
        let stored = try await tester.ask(
            .put, "/v1/directory/index", token: token, body: Self.list)
        #expect(stored.status == .ok)
        let index = try #require(try rest.json(stored).index)
        #expect(index.current == true)
        #expect(index.files == 1)
        guard case .string(let version)? = index.version else { return }

        let delta =
            #"{"base":"\#(version)","changed":[{"filename":"b","size":3}],"removed":["a b.txt"]}"#
        let changed = try await tester.ask(
            .post, "/v1/directory/heartbeat", token: token, body: delta)
        #expect(changed.status == .ok)
        #expect(try rest.json(changed).expires_in == 60)
        let again = try await tester.ask(
            .post, "/v1/directory/heartbeat", token: token, body: delta)
        #expect(again.status == .conflict)
        let other = try await tester.ask(
            .post, "/v1/directory/heartbeat?index=\(version)", token: token)
        #expect(other.status == .conflict)

        let files = try await rest.get("/v1/directory/files?contains=B")
        #expect(files.files?[0]?.filename == "b")
        #expect(files.files?[0]?.peer_url == "http://192.0.2.7:8001")
        #expect(files.files?[0]?.size == 3)
        #expect(
            try await rest.ask(.get, "/buscar_archivos?filename=b").text
                == #"{"archivo":"b","disponible_en":[{"peer":"Peer1","#
                + #""url":"http://192.0.2.7:8001/files/b","grpc":"grpc://192.0.2.7:50051"}]}"#)

        #expect(
            try await tester.ask(.post, "/v1/directory/logout", token: token).status == .noContent)
        let gone = try await tester.ask(.post, "/v1/directory/heartbeat", token: token)
        #expect(gone.status == .unauthorized)
        #expect(gone.headers[.wwwAuthenticate]?.contains("invalid_token") == true)
        #expect(try await rest.get("/v1/directory/peers").peers == [])
    }

    @Test("A login says whether the list that the peer has is the one that is held")
    func unchanged() async throws {
        let tester = try await DirectoryTester()
        let token = try await tester.logIn()
        _ = try await tester.ask(.put, "/v1/directory/index", token: token, body: Self.list)
        for (isCurrent, more) in [
            (false, ""), (true, #","index":"\#(try await version(tester))""#),
        ] {
            let response = try await tester.rest.ask(
                .post, "/v1/directory/login",
                body: #"{"username":"Peer1","password":"sd1234"\#(more)}"#)
            #expect(try tester.rest.json(response).index?.current == .bool(isCurrent))
        }
    }

    private func version(_ tester: DirectoryTester) async throws -> String {
        let list = try IndexReader(limits: DirectoryLimits()).list(Array(Self.list.utf8))
        return list.version.sum.hexadecimal
    }

    @Test(
        "Without a token nothing is read or changed",
        arguments: [("", 401), ("Basic x", 401), ("Bearer", 401), ("Bearer zz", 401)])
    func strangers(field: String, status: Int) async throws {
        let rest = try await DirectoryTester().rest
        for (method, path) in [
            (HTTPRequest.Method.put, "/v1/directory/index"),
            (.post, "/v1/directory/heartbeat"), (.post, "/v1/directory/logout"),
        ] {
            let fields: HTTPFields = field.isEmpty ? [:] : [.authorization: field]
            let response = try await rest.ask(method, path, fields)
            #expect(response.status.code == status)
            #expect(response.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
        }
    }

    @Test("Heartbeats do not count as requests, wrong tokens do")
    func limits() async throws {
        let tester = try await DirectoryTester(requestsPerMinute: 3)
        let token = try await tester.logIn()
        for _ in 0..<20 {
            let answer = try await tester.ask(.post, "/v1/directory/heartbeat", token: token)
            #expect(answer.status == .ok)
        }
        let wrong = String(repeating: "0", count: 64)
        var statuses: [Int] = []
        for _ in 0..<5 {
            let answer = try await tester.ask(.post, "/v1/directory/heartbeat", token: wrong)
            statuses.append(answer.status.code)
        }
        #expect(statuses == [401, 401, 401, 429, 429])
        let answer = try await tester.ask(.post, "/v1/directory/heartbeat", token: token)
        #expect(answer.status == .ok)
    }

    @Test("Failed logins are throttled, and told when to come again")
    func throttled() async throws {
        let rest = try await DirectoryTester().rest
        var last: TestResponse?
        for _ in 0..<6 {
            last = try await rest.ask(
                .post, "/v1/directory/login", body: #"{"username":"Peer2","password":"no"}"#)
        }
        #expect(last?.status == .tooManyRequests)
        #expect(last?.headers[.retryAfter] == "12")
    }

    @Test("Pages are walked by their cursor, and only one question is asked at a time")
    func pages() async throws {
        let tester = try await DirectoryTester()
        let token = try await tester.logIn()
        let names = (0..<25).map { #"{"filename":"f\#($0)"}"# }.joined(separator: ",")
        _ = try await tester.ask(.put, "/v1/directory/index", token: token, body: "[\(names)]")
        var (found, after) = (0, "")
        repeat {
            let page = try await tester.rest.get("/v1/directory/files?limit=10\(after)")
            found += page.files?.count ?? 0
            guard case .string(let next)? = page.next else { break }
            after = "&after=\(next)"
        } while found < 100
        #expect(found == 25)
        for query in ["name=a&peer=b", "sha256=x", "limit=0", "after=%20", "contains="] {
            let response = try await tester.rest.ask(.get, "/v1/directory/files?\(query)")
            #expect(response.status == .badRequest)
        }
    }

    @Test("A page that its time has cut short says so, the last one does not")
    func partial() async throws {
        let tester = try await DirectoryTester(searchTime: .zero)
        let token = try await tester.logIn()
        let list = (0..<5).map { #"{"filename":"x\#($0)"}"# }.joined(separator: ",")
        _ = try await tester.ask(.put, "/v1/directory/index", token: token, body: "[\(list)]")
        var (after, pages, found) = ("", 0, 0)
        while true {
            let path = "/v1/directory/files?contains=x&limit=50\(after)"
            let response = try await tester.rest.ask(.get, path)
            let text = String(buffer: response.body)
            found += text.split(separator: #""filename""#).count - 1
            pages += 1
            #expect(text.contains(#""partial":true"#) == text.contains(#""next""#))
            guard case .string(let next)? = try tester.rest.json(response).next else { break }
            after = "&after=\(next)"
        }
        #expect(found == 5)
        #expect(pages >= 5)
        // One that is as long as was asked for is none that was cut.
        let whole = try await tester.rest.ask(.get, "/v1/directory/files?contains=x&limit=1")
        #expect(!String(buffer: whole.body).contains("partial"))
    }

    @Test("Text is written as JSON")
    func jsonText() throws {
        var text = JSONText()
        let string = "a\"b\\c\u{1}\n\u{1F}é/"
        text.string(string)
        let read = try JSONDecoder().decode(String.self, from: Data(text.buffer.readableBytesView))
        #expect(read == string)
    }

    @Test("Lists that arrive at once have a bound in common")
    func budget() {
        let budget = ListBodyBudget(bytes: 10)
        #expect(budget.take(6))
        #expect(!budget.take(5))
        #expect(budget.take(4))
        budget.giveBack(6)
        #expect(budget.take(5))
    }
}
