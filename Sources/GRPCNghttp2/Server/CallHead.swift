import GRPCCore
import NIOCore

/// What the header fields of a request say of the call, besides its metadata (gRPC over HTTP/2,
/// "Requests").
struct CallHead {
    let descriptor: MethodDescriptor
    /// How the request's messages are encoded.
    let encoding: MessageEncoding
    let timeout: CallTimeout?

    /// - Throws: UNIMPLEMENTED for a path that names no method and for an unknown encoding; INTERNAL for a
    ///   timeout that is none. The call is answered with that.
    init(_ fields: [HeaderField]) throws(RPCError) {
        let path = MetadataFields.value(":path", in: fields) ?? ""
        guard let descriptor = MethodDescriptor(path: path) else {
            throw RPCError(code: .unimplemented, message: "no method is named \(path)")
        }
        self.descriptor = descriptor
        encoding = try Self.encoding(fields)
        timeout = try Self.timeout(fields)
    }

    private static func encoding(_ fields: [HeaderField]) throws(RPCError) -> MessageEncoding {
        guard let name = MetadataFields.value("grpc-encoding", in: fields) else {
            return .identity
        }
        guard let encoding = MessageEncoding(rawValue: name) else {
            // Every answer names the encodings that are.
            throw RPCError(
                code: .unimplemented, message: "the message encoding \(name) is not supported")
        }
        return encoding
    }

    private static func timeout(_ fields: [HeaderField]) throws(RPCError) -> CallTimeout? {
        guard let value = MetadataFields.value("grpc-timeout", in: fields) else { return nil }
        guard let timeout = CallTimeout(value) else {
            throw RPCError(code: .internalError, message: "malformed grpc-timeout: \(value)")
        }
        return timeout
    }
}

extension MethodDescriptor {
    /// `/package.Service/Method`; nil for anything else.
    fileprivate init?(path: String) {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/"), slash != path.startIndex
        else {
            return nil
        }
        let service = path[path.index(after: path.startIndex)..<slash]
        let method = path[path.index(after: slash)...]
        guard !service.isEmpty, !method.isEmpty else { return nil }
        self.init(fullyQualifiedService: String(service), method: String(method))
    }
}
