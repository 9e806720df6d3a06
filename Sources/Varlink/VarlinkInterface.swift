/// The methods of one interface, as a service offers them.
///
///     struct Clock: VarlinkInterface {
///         let description: InterfaceDescription
///         func handle(_ call: VarlinkCall) async throws -> VarlinkReply {
///             switch call.method {
///             case "Now": VarlinkReply(["time": now()])
///             default: throw VarlinkError.methodNotImplemented(call.qualifiedMethod)
///             }
///         }
///     }
///
/// Calls of different connections run at once, those of one connection in their order.
package protocol VarlinkInterface: Sendable {
    var description: InterfaceDescription { get }

    /// Answers one call: replies before the last by ``VarlinkCall/reply(_:descriptors:)``, the last
    /// by returning it. Cancelled when the client goes away, and when the service's draining ends.
    ///
    /// - Throws: ``VarlinkError`` is answered as it is; anything else through ``error(for:)``.
    func handle(_ call: VarlinkCall) async throws -> VarlinkReply

    /// What to answer when ``handle(_:)`` throws something that is not a ``VarlinkError``.
    func error(for error: any Error) -> VarlinkError
}

/// One reply: its parameters, and descriptors that go with it.
package struct VarlinkReply: Sendable {
    let parameters: any Encodable & Sendable
    let descriptors: [OwnedDescriptor]

    package init(
        _ parameters: some Encodable & Sendable = NoParameters(),
        descriptors: [OwnedDescriptor] = []
    ) {
        self.parameters = parameters
        self.descriptors = descriptors
    }
}
