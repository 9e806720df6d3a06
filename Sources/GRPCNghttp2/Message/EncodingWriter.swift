import GRPCCore

/// Encodes messages on their way to `next`, in the task that writes them.
struct EncodingWriter<Next: ClosableRPCWriterProtocol>: ClosableRPCWriterProtocol
where Next.Element: MessagePart {
    typealias Element = Next.Element

    let next: Next

    func write(_ element: Element) async throws {
        try await next.write(try element.mapMessage { message in message.encoded() })
    }

    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements { try await write(element) }
    }

    func finish() async { await next.finish() }
    func finish(throwing error: any Error) async { await next.finish(throwing: error) }
}

extension ClosableRPCWriterProtocol where Element: MessagePart {
    /// This writer, with an encoding before it where one was agreed on.
    func closable(_ encoding: MessageEncoding) -> RPCWriter<Element>.Closable {
        switch encoding {
        case .identity: RPCWriter.Closable(wrapping: self)
        case .gzip: RPCWriter.Closable(wrapping: EncodingWriter(next: self))
        }
    }
}
