import GRPCCore

/// How large the messages of a call may be, both ways, in bytes.
struct MessageLimits: Sendable {
    var receivedBytesMax: Int
    var sentBytesMax: Int
    /// The flow-control window for what is received.
    var windowBytes: Int

    /// - Throws: RESOURCE_EXHAUSTED for a message that may not be sent.
    func checkSent(_ message: MessageBytes) throws(RPCError) {
        guard message.count <= sentBytesMax else {
            throw RPCError(
                code: .resourceExhausted,
                message: "message of \(message.count) bytes, at most \(sentBytesMax) are sent")
        }
    }
}
