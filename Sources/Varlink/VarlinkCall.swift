import FoundationEssentials

/// One call, in its handler's hands. Not `Sendable`: replies are written one after another.
package final class VarlinkCall {
    /// As in `org.example.Interface.Method`.
    package let qualifiedMethod: String
    /// Whether the client takes several replies.
    package let wantsMore: Bool
    /// Whether the client takes no reply.
    package let isOneway: Bool
    /// Who connected; `nil` where the kernel does not say.
    package let peer: PeerCredentials?
    /// The ``VarlinkListener/name`` of the socket that it came by.
    package let listener: String
    /// What came with the call, by index; what the handler does not take is closed after it.
    package let descriptors: [OwnedDescriptor]
    private let bytes: [UInt8]
    private let writer: ReplyWriter

    init(
        header: CallHeader,
        message: Message,
        peer: PeerCredentials?,
        listener: String,
        writer: ReplyWriter
    ) {
        qualifiedMethod = header.method
        wantsMore = header.more ?? false
        isOneway = header.oneway ?? false
        self.peer = peer
        self.listener = listener
        descriptors = message.descriptors
        bytes = message.bytes
        self.writer = writer
    }

    /// Without the interface's name.
    package var method: String {
        String(qualifiedMethod.split(separator: ".").last ?? "")
    }

    /// The parameters.
    ///
    /// - Throws: ``VarlinkError`` InvalidParameter, naming the one that is missing or of another
    ///   type.
    package func parameters<Parameters: Decodable>(
        as type: Parameters.Type = Parameters.self
    ) throws(VarlinkError) -> Parameters {
        do {
            return try decodeMessage(ParametersOf<Parameters>.self, from: bytes).parameters
        } catch {
            throw .invalidParameter(Self.parameter(blamedBy: error))
        }
    }

    /// The descriptor that came with the call at `index`.
    ///
    /// - Parameter parameter: The parameter that held the index, for the error.
    /// - Throws: ``VarlinkError`` InvalidParameter when there is none.
    package func descriptor(
        at index: Int,
        parameter: String
    ) throws(VarlinkError) -> OwnedDescriptor {
        guard descriptors.indices.contains(index) else { throw .invalidParameter(parameter) }
        return descriptors[index]
    }

    /// Refuses a call whose method answers in several replies when the client takes one.
    package func requireMore() throws(VarlinkError) {
        guard wantsMore else { throw .expectedMore }
    }

    /// Writes a reply that is not the last; suspends while the client does not read.
    ///
    /// - Throws: ``VarlinkError`` ExpectedMore; ``ConnectionEnd``, which the handler passes on;
    ///   `EncodingError`.
    package func reply(
        _ parameters: some Encodable & Sendable,
        descriptors: [OwnedDescriptor] = []
    ) async throws {
        try requireMore()
        if isOneway { return }
        let message = try encodeMessage(OutgoingReply(parameters: parameters, continues: true))
        try await writer.write(message, descriptors: descriptors)
    }

    /// The dotted path of the parameter that decoding failed at, without `parameters`.
    private static func parameter(blamedBy error: any Error) -> String {
        guard let error = error as? DecodingError else { return "parameters" }
        let (context, missing): (DecodingError.Context, String?) =
            switch error {
            case .keyNotFound(let key, let context): (context, key.stringValue)
            case .typeMismatch(_, let context), .valueNotFound(_, let context): (context, nil)
            case .dataCorrupted(let context): (context, nil)
            @unknown default: (.init(codingPath: [], debugDescription: ""), nil)
            }
        var path = context.codingPath.map(\.stringValue) + (missing.map { [$0] } ?? [])
        if path.first == "parameters" { path.removeFirst() }
        return path.isEmpty ? "parameters" : path.joined(separator: ".")
    }
}
