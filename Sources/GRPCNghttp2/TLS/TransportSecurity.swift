import NIOCore
import NIOSSL

/// TLS of a server or client: what it proves itself with, and what the other side has to prove.
///
/// TLS 1.2 at least, and ALPN with `h2` alone (RFC 9113, sections 3.2 and 9.2).
package struct TransportSecurity: Sendable {
    /// Certificates or a key as PEM text.
    package enum PEM: Sendable {
        case file(String)
        case text(String)
    }

    /// What a server asks of its clients.
    package enum ClientCertificates: Sendable {
        case ignored
        /// A client that has one must have a valid one.
        case optional
        case required
    }

    /// The last word on the other side, after its chain was found valid.
    ///
    /// Called with its certificate in DER, or nil when it has shown none, on the connection's event
    /// loop, which it must not block. What it throws ends the connection, and is the reason told.
    package typealias PeerCheck = @Sendable (_ certificate: [UInt8]?) throws -> Void

    let context: NIOSSLContext
    let checkPeer: PeerCheck?

    /// - Throws: `NIOSSLError` or an I/O error for what cannot be read or does not fit together.
    package static func server(
        certificates: PEM, key: PEM, clientCertificates: ClientCertificates = .ignored,
        trustRoots: PEM? = nil, checkPeer: PeerCheck? = nil
    ) throws -> TransportSecurity {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try certificates.certificates().map { .certificate($0) },
            privateKey: .privateKey(try key.privateKey()))
        configuration.trustRoots = try Self.roots(trustRoots)
        configuration.certificateVerification =
            switch clientCertificates {
            case .ignored: .none
            case .optional: .optionalVerification
            case .required: .noHostnameVerification
            }
        return try TransportSecurity(configuration, checkPeer)
    }

    /// - Parameters:
    ///   - trustRoots: nil for those of the system.
    ///   - certificates: Shown to a server that asks, with `key`.
    ///   - verifiesName: Whether the server's certificate must name its host or address. Without,
    ///     `checkPeer` has to tell a right server from a wrong one.
    /// - Throws: As ``server(certificates:key:clientCertificates:trustRoots:checkPeer:)``.
    package static func client(
        trustRoots: PEM? = nil, certificates: PEM? = nil, key: PEM? = nil,
        verifiesName: Bool = true, checkPeer: PeerCheck? = nil
    ) throws -> TransportSecurity {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = try Self.roots(trustRoots)
        configuration.certificateVerification =
            verifiesName ? .fullVerification : .noHostnameVerification
        if let certificates, let key {
            configuration.certificateChain = try certificates.certificates().map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try key.privateKey())
        }
        return try TransportSecurity(configuration, checkPeer)
    }

    private init(_ configuration: TLSConfiguration, _ checkPeer: PeerCheck?) throws {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2"]
        context = try NIOSSLContext(configuration: configuration)
        self.checkPeer = checkPeer
    }

    private static func roots(_ pem: PEM?) throws -> NIOSSLTrustRoots {
        guard let pem else { return .default }
        return .certificates(try pem.certificates())
    }
}

extension TransportSecurity.PEM {
    fileprivate func certificates() throws -> [NIOSSLCertificate] {
        switch self {
        case .file(let path): try NIOSSLCertificate.fromPEMFile(path)
        case .text(let text): try NIOSSLCertificate.fromPEMBytes(Array(text.utf8))
        }
    }

    fileprivate func privateKey() throws -> NIOSSLPrivateKey {
        switch self {
        case .file(let path): try NIOSSLPrivateKey(file: path, format: .pem)
        case .text(let text): try NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem)
        }
    }
}
