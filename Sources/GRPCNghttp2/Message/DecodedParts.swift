import GRPCCore

/// What an inbox holds, decoded as it is taken: one message at a time is larger than it was on the
/// wire, so a sender cannot fill memory with small messages that grow.
struct DecodedParts<Part: MessagePart>: AsyncSequence {
    let inbox: Inbox<Part>
    /// Largest message after it was decoded, in bytes.
    let messageBytesMax: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        let inbox: Inbox<Part>
        let messageBytesMax: Int

        func next() async throws -> Part? {
            try await next(isolation: nil)
        }

        func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Part? {
            do {
                return try decoded(try await inbox.next())
            } catch is CancellationError {
                // GRPCCore would make UNKNOWN of it.
                throw RPCError(code: .cancelled, message: "the call was cancelled")
            }
        }

        private func decoded(_ part: Part?) throws(RPCError) -> Part? {
            try part?.mapMessage { message throws(RPCError) in
                message.isEncoded ? try message.decoded(limit: messageBytesMax) : message
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(inbox: inbox, messageBytesMax: messageBytesMax)
    }
}
