import HTTPTypes
import Testing

@testable import PeerDaemon

@Suite("RESTTests: the description")
struct RESTTestsOpenAPI {
    @Test("Every resource is described with exactly its methods, and nothing else is")
    func complete() async throws {
        let document = try await RESTTester().get("/openapi.json")
        let paths = try #require(document.paths)
        let routes: [Route] =
            [
                .health, .register, .bootstrap, .peers, .files, .file(name: "x"), .search,
                .status, .metrics, .openAPI,
            ] + DirectoryRoute.allCases.map { .directory($0) }
        #expect(paths.keys == Set(routes.map(\.template)))
        guard case .object(let items) = paths else { return }
        for route in routes {
            let methods = items[route.template]?.keys.subtracting(["parameters"])
            #expect(methods == Set(route.methods.map { $0.rawValue.lowercased() }))
        }
    }
}
