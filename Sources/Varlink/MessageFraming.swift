/// One message as it travels: JSON without the NUL that ends it, and the descriptors beside it.
struct Message: Sendable {
    var bytes: [UInt8]
    var descriptors: [OwnedDescriptor] = []
}

/// Why the bytes of a connection cannot be cut into messages; all are the other side's fault.
package enum FramingError: Error, Equatable {
    case messageTooLong(limit: Int)
    case tooManyDescriptors(limit: Int)
    /// The stream ended inside a message.
    case endedInsideMessage
}

/// Cuts a byte stream into messages at their NULs, and gives each its descriptors.
///
/// Descriptors belong to the message that holds the last byte of the read that brought them: the
/// kernel ends a read with data that carried descriptors, and senders attach them to one message.
/// (unix(7), and what sd-varlink relies on.)
struct MessageFraming {
    let bytesMax: Int
    let descriptorsMax: Int
    /// Messages complete but not taken, oldest first; at most what one read holds.
    private var complete: [Message] = []
    private var partial = Message(bytes: [])

    init(bytesMax: Int, descriptorsMax: Int) {
        self.bytesMax = bytesMax
        self.descriptorsMax = descriptorsMax
    }

    /// Whether the stream may end here.
    var isBetweenMessages: Bool {
        partial.bytes.isEmpty && complete.isEmpty
    }

    /// The oldest complete message.
    mutating func next() -> Message? {
        complete.isEmpty ? nil : complete.removeFirst()
    }

    /// Takes the bytes of one read, and the descriptors that came with it.
    ///
    /// - Throws: ``FramingError``; nothing can be read from the stream after it.
    mutating func append(
        _ bytes: [UInt8],
        descriptors: [OwnedDescriptor] = []
    ) throws(FramingError) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0) {
            partial.bytes.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            if rest.isEmpty {
                partial.descriptors += descriptors
            }
            try check(partial)
            complete.append(partial)
            partial = Message(bytes: [])
        }
        guard !rest.isEmpty else { return }
        partial.bytes.append(contentsOf: rest)
        partial.descriptors += descriptors
        try check(partial)
    }

    private func check(_ message: Message) throws(FramingError) {
        if message.bytes.count > bytesMax { throw .messageTooLong(limit: bytesMax) }
        if message.descriptors.count > descriptorsMax {
            throw .tooManyDescriptors(limit: descriptorsMax)
        }
    }
}
