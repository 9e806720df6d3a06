import FoundationEssentials
import GRPCCore
import PeerWire
import SwiftProtobuf

/// What server reflection tells (grpc/doc/server-reflection.md): the descriptors of the .proto files in
/// PeerWire.
struct ServiceDescriptions: Sendable {
    /// Fully qualified names, sorted.
    let services: [String]
    /// Serialised `FileDescriptorProto`s by file name.
    private let files: [String: Data]
    private let dependencies: [String: [String]]
    /// The file that defines a service, method, message or enum, by its fully qualified name.
    private let fileOfSymbol: [String: String]

    /// - Throws: `BinaryDecodingError` when the embedded descriptors are damaged.
    init() throws {
        let set = try Google_Protobuf_FileDescriptorSet(
            serializedBytes: EmbeddedDescriptors.bytes)
        var files: [String: Data] = [:]
        var dependencies: [String: [String]] = [:]
        var symbols: [String: String] = [:]
        var services: [String] = []
        for file in set.file {
            files[file.name] = try file.serializedData()
            dependencies[file.name] = file.dependency
            let prefix = file.package.isEmpty ? "" : file.package + "."
            for message in file.messageType { symbols[prefix + message.name] = file.name }
            for type in file.enumType { symbols[prefix + type.name] = file.name }
            for service in file.service {
                services.append(prefix + service.name)
                symbols[prefix + service.name] = file.name
                for method in service.method {
                    symbols["\(prefix)\(service.name).\(method.name)"] = file.name
                }
            }
        }
        self.files = files
        self.dependencies = dependencies
        self.fileOfSymbol = symbols
        self.services = services.sorted()
    }

    /// A file and all that it imports; nil when there is none of that name.
    func file(named name: String) -> [Data]? {
        guard files[name] != nil else { return nil }
        var found: [Data] = []
        var pending = [name]
        var seen: Set<String> = []
        while let next = pending.popLast() {
            guard seen.insert(next).inserted, let file = files[next] else { continue }
            found.append(file)
            pending += dependencies[next] ?? []
        }
        return found
    }

    func file(defining symbol: String) -> [Data]? {
        fileOfSymbol[symbol].flatMap(file(named:))
    }
}

/// `grpc.reflection.v1`.
struct ReflectionService: Grpc_Reflection_V1_ServerReflection.SimpleServiceProtocol {
    typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
    typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

    let descriptions: ServiceDescriptions

    func serverReflectionInfo(
        request: RPCAsyncSequence<Request, any Error>, response: RPCWriter<Response>,
        context: ServerContext
    ) async throws {
        for try await question in request {
            try await response.write(answer(question))
        }
    }

    func answer(_ question: Request) -> Response {
        var answer = Response()
        answer.validHost = question.host
        answer.originalRequest = question
        switch question.messageRequest {
        case .fileByFilename(let name):
            fill(&answer, descriptions.file(named: name), name)
        case .fileContainingSymbol(let symbol):
            fill(&answer, descriptions.file(defining: symbol), symbol)
        case .listServices:
            answer.listServicesResponse.service = descriptions.services.map { name in
                .with { $0.name = name }
            }
        case .fileContainingExtension(let extended):
            fill(&answer, nil, "an extension of \(extended.containingType)")
        case .allExtensionNumbersOfType(let type):
            fill(&answer, nil, "an extension of \(type)")
        case nil:
            answer.errorResponse = .with {
                $0.errorCode = Int32(Status.Code.invalidArgument.rawValue)
                $0.errorMessage = "the request asks nothing"
            }
        }
        return answer
    }

    private func fill(_ answer: inout Response, _ files: [Data]?, _ what: String) {
        if let files {
            answer.fileDescriptorResponse.fileDescriptorProto = files
        } else {
            answer.errorResponse = .with {
                $0.errorCode = Int32(Status.Code.notFound.rawValue)
                $0.errorMessage = "this server does not know \(what)"
            }
        }
    }
}

/// `grpc.reflection.v1alpha`, for clients older than v1: the same messages under another name.
struct ReflectionAlphaService: Grpc_Reflection_V1alpha_ServerReflection.SimpleServiceProtocol {
    let current: ReflectionService

    func serverReflectionInfo(
        request: RPCAsyncSequence<Grpc_Reflection_V1alpha_ServerReflectionRequest, any Error>,
        response: RPCWriter<Grpc_Reflection_V1alpha_ServerReflectionResponse>,
        context: ServerContext
    ) async throws {
        for try await question in request {
            // The wire formats are identical: the package alone was renamed.
            let answer = current.answer(
                try ReflectionService.Request(serializedBytes: question.serializedData()))
            try await response.write(
                Grpc_Reflection_V1alpha_ServerReflectionResponse(
                    serializedBytes: answer.serializedData()))
        }
    }
}
