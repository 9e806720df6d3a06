import FoundationEssentials

/// An error as Varlink has it: a qualified name and parameters.
///
/// A handler throws one to answer a call with it; a client gets one from the service.
package struct VarlinkError: Error, Sendable, CustomStringConvertible {
    /// As in `org.example.Interface.NotFound`.
    package let name: String
    private let content: Content

    private enum Content: Sendable {
        case toSend(any Encodable & Sendable)
        /// The whole reply.
        case received([UInt8])
    }

    package init(_ name: String, _ parameters: some Encodable & Sendable = NoParameters()) {
        self.name = name
        content = .toSend(parameters)
    }

    init(name: String, received reply: [UInt8]) {
        self.name = name
        content = .received(reply)
    }

    package var description: String { name }

    /// The error's parameters.
    ///
    /// - Throws: `DecodingError` when they are not those of the error by that name.
    package func parameters<Parameters: Decodable>(
        as type: Parameters.Type = Parameters.self
    ) throws -> Parameters {
        try decodeMessage(ParametersOf<Parameters>.self, from: encoded()).parameters
    }

    /// The reply, without its NUL.
    func encoded() throws -> [UInt8] {
        switch content {
        case .toSend(let parameters):
            return try encodeMessage(OutgoingReply(parameters: parameters, error: name)).dropLast()
        case .received(let reply):
            return reply
        }
    }
}

/// The errors of `org.varlink.service`, which any method may answer with.
extension VarlinkError {
    static func interfaceNotFound(_ interface: String) -> VarlinkError {
        VarlinkError("org.varlink.service.InterfaceNotFound", ["interface": interface])
    }

    static func methodNotFound(_ method: String) -> VarlinkError {
        VarlinkError("org.varlink.service.MethodNotFound", ["method": method])
    }

    /// The interface has the method, this service does not do it.
    package static func methodNotImplemented(_ method: String) -> VarlinkError {
        VarlinkError("org.varlink.service.MethodNotImplemented", ["method": method])
    }

    /// - Parameter parameter: Its name, dotted where it is inside another.
    package static func invalidParameter(_ parameter: String) -> VarlinkError {
        VarlinkError("org.varlink.service.InvalidParameter", ["parameter": parameter])
    }

    package static var permissionDenied: VarlinkError {
        VarlinkError("org.varlink.service.PermissionDenied")
    }

    /// The method answers in several replies and was called without `more`.
    package static var expectedMore: VarlinkError {
        VarlinkError("org.varlink.service.ExpectedMore")
    }
}
