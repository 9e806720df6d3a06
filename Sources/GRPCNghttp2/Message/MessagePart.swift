import GRPCCore

/// A part of a request or response: messages are encoded and decoded where a call's own task handles
/// them, not on the way through the connection.
protocol MessagePart: Sendable {
    func mapMessage(
        _ transform: (MessageBytes) throws(RPCError) -> MessageBytes
    ) throws(RPCError) -> Self
}

extension RPCRequestPart<MessageBytes>: MessagePart {
    func mapMessage(
        _ transform: (MessageBytes) throws(RPCError) -> MessageBytes
    ) throws(RPCError) -> Self {
        switch self {
        case .metadata: self
        case .message(let message): .message(try transform(message))
        }
    }
}

extension RPCResponsePart<MessageBytes>: MessagePart {
    func mapMessage(
        _ transform: (MessageBytes) throws(RPCError) -> MessageBytes
    ) throws(RPCError) -> Self {
        switch self {
        case .metadata, .status: self
        case .message(let message): .message(try transform(message))
        }
    }
}
