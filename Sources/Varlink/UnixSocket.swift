import CLinux
import Glibc

/// The system calls on one connected local stream socket, without a policy of waiting.
///
/// The only place of this module where bytes are seen through pointers.
struct UnixSocket: Sendable {
    let descriptor: OwnedDescriptor

    /// What a call on a non-blocking socket came to.
    enum Received {
        /// At least one byte; the descriptors came with the call that holds the last of them.
        case bytes([UInt8], descriptors: [OwnedDescriptor], truncated: Bool)
        case endOfStream
        case wouldBlock
        case interrupted
    }

    enum Sent: Equatable {
        case bytes(Int)
        case wouldBlock
        case interrupted
    }

    /// Reads what is there, at most `capacity` bytes.
    func receive(capacity: Int) throws(SystemError) -> Received {
        var numbers = [Int32](repeating: -1, count: Int(CLINUX_DESCRIPTORS_MAX))
        var count = 0
        var truncated: Int32 = 0
        var received = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
            received = clinux_receive(
                descriptor.rawValue, buffer.baseAddress, capacity, &numbers, &count, &truncated)
            initialized = max(received, 0)
        }
        if received < 0 {
            return try Self.refusal(of: "recvmsg", wouldBlock: .wouldBlock, .interrupted)
        }
        let descriptors = numbers.prefix(count).map { OwnedDescriptor(owning: $0) }
        if received == 0 { return .endOfStream }
        return .bytes(bytes, descriptors: descriptors, truncated: truncated != 0)
    }

    /// Offers `bytes`, with `descriptors` on the first of them; they stay the caller's.
    func send(
        _ bytes: ArraySlice<UInt8>,
        descriptors: [OwnedDescriptor] = []
    ) throws(SystemError) -> Sent {
        let numbers = descriptors.map(\.rawValue)
        let sent = bytes.withUnsafeBytes { buffer in
            clinux_send(
                descriptor.rawValue, buffer.baseAddress, buffer.count, numbers, numbers.count)
        }
        if sent < 0 {
            return try Self.refusal(of: "sendmsg", wouldBlock: .wouldBlock, .interrupted)
        }
        return .bytes(sent)
    }

    /// Who connected, or `nil` where the kernel does not say.
    func peerCredentials() -> PeerCredentials? {
        var credentials = clinux_credentials()
        guard clinux_peer_credentials(descriptor.rawValue, &credentials) == 0 else { return nil }
        return PeerCredentials(
            processID: credentials.pid, userID: credentials.uid, groupID: credentials.gid)
    }

    private static func refusal<Outcome>(
        of call: String,
        wouldBlock: Outcome,
        _ interrupted: Outcome
    ) throws(SystemError) -> Outcome {
        switch errno {
        case EAGAIN: return wouldBlock
        case EINTR: return interrupted
        default: throw SystemError(call)
        }
    }
}

/// Who connected to a socket, at the time of connect(2) (SO_PEERCRED).
package struct PeerCredentials: Sendable, Equatable {
    /// 0 where the process is outside this process's namespace.
    package let processID: Int32
    /// 65534 (nobody) where the user is outside this process's namespace.
    package let userID: UInt32
    package let groupID: UInt32
}
