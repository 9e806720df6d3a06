/// What a service says of itself (`org.varlink.service.GetInfo`).
package struct ServiceIdentity: Sendable {
    package var vendor: String
    package var product: String
    package var version: String
    package var url: String

    package init(vendor: String, product: String, version: String, url: String) {
        self.vendor = vendor
        self.product = product
        self.version = version
        self.url = url
    }
}

/// `org.varlink.service`, which every service has: who it is and what it can be asked.
struct ServiceInterface: VarlinkInterface {
    let identity: ServiceIdentity
    /// All interfaces but this one, by name.
    let others: [String: InterfaceDescription]
    let description: InterfaceDescription

    init?(identity: ServiceIdentity, others: [InterfaceDescription]) {
        guard let description = InterfaceDescription(Self.text) else { return nil }
        self.identity = identity
        self.others = Dictionary(others.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        self.description = description
    }

    func handle(_ call: VarlinkCall) async throws -> VarlinkReply {
        switch call.method {
        case "GetInfo":
            return VarlinkReply(
                Info(
                    vendor: identity.vendor, product: identity.product,
                    version: identity.version, url: identity.url,
                    interfaces: [description.name] + others.keys.sorted()))
        case "GetInterfaceDescription":
            let name = try call.parameters(as: Question.self).interface
            let found = name == description.name ? description : others[name]
            guard let found else { throw VarlinkError.interfaceNotFound(name) }
            return VarlinkReply(["description": found.text])
        default:
            throw VarlinkError.methodNotImplemented(call.qualifiedMethod)
        }
    }

    /// Not reached: ``handle(_:)`` throws nothing else.
    func error(for error: any Error) -> VarlinkError {
        .methodNotImplemented(description.name)
    }

    private struct Question: Decodable {
        var interface: String
    }

    private struct Info: Encodable {
        var vendor: String
        var product: String
        var version: String
        var url: String
        var interfaces: [String]
    }

    /// The text of varlink.org, with PermissionDenied and ExpectedMore, which came later.
    private static let text = """
        # The Varlink Service Interface is provided by every varlink service. It
        # describes the service and the interfaces it implements.
        interface org.varlink.service

        # Get a list of all the interfaces a service provides and information
        # about the implementation.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # Get the description of an interface that is implemented by this service.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The requested interface was not found.
        error InterfaceNotFound (interface: string)

        # The requested method was not found
        error MethodNotFound (method: string)

        # The interface defines the requested method, but the service does not
        # implement it.
        error MethodNotImplemented (method: string)

        # One of the passed parameters is invalid.
        error InvalidParameter (parameter: string)

        # Client is denied access
        error PermissionDenied ()

        # Method is expected to be called with 'more' set to true, but wasn't
        error ExpectedMore ()

        """
}
