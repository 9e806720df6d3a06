import GRPCCore
import GRPCNghttp2
import GRPCProtobuf
import SwiftProtobuf

/// A message, and whether it is compressed on its way: the compressed cases look at each message.
struct Marked<Message: SwiftProtobuf.Message>: Sendable {
    var message: Message
    var isCompressed = true
}

struct MarkedSerializer<Message: SwiftProtobuf.Message>: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ marked: Marked<Message>) throws -> Bytes {
        let bytes: Bytes = try ProtobufSerializer().serialize(marked.message)
        guard !marked.isCompressed, var own = bytes as? MessageBytes else { return bytes }
        own.mayBeCompressed = false
        return own as? Bytes ?? bytes
    }
}

struct MarkedDeserializer<Message: SwiftProtobuf.Message>: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Marked<Message> {
        Marked(
            message: try ProtobufDeserializer().deserialize(bytes),
            isCompressed: (bytes as? MessageBytes)?.wasCompressed ?? false)
    }
}

typealias Empty = Grpc_Testing_Empty
typealias SimpleRequest = Grpc_Testing_SimpleRequest
typealias SimpleResponse = Grpc_Testing_SimpleResponse
typealias InputRequest = Grpc_Testing_StreamingInputCallRequest
typealias InputResponse = Grpc_Testing_StreamingInputCallResponse
typealias OutputRequest = Grpc_Testing_StreamingOutputCallRequest
typealias OutputResponse = Grpc_Testing_StreamingOutputCallResponse

extension MethodDescriptor {
    static func test(_ method: String) -> MethodDescriptor {
        MethodDescriptor(fullyQualifiedService: "grpc.testing.TestService", method: method)
    }
}
