import AdminWire
import Varlink

/// A connection to the daemon, for one command.
struct AdminSession {
    /// Asked in this order where neither `--socket` nor `$P2PADM_SOCKET` names one.
    static let defaultSockets = ["/run/p2p-peer/admin.sock", "/run/p2p-peer/read.sock"]

    let client: VarlinkClient
    let socket: String
    /// Readable when the user wants it to end.
    let interrupt: Int32?

    /// Connects to the first socket that lets this user in.
    ///
    /// - Throws: For the first socket, unless another tells that only permission is missing.
    init(sockets: [String], interrupt: Int32?) throws(CommandFailure) {
        self.interrupt = interrupt
        var failure: CommandFailure?
        for socket in sockets {
            do throws(ClientError) {
                client = try VarlinkClient(path: socket, interrupt: interrupt)
                self.socket = socket
                return
            } catch {
                let next = CommandFailure.cannotConnect(error, socket: socket)
                if failure == nil
                    || (failure?.status != .noPermission && next.status == .noPermission)
                {
                    failure = next
                }
            }
        }
        throw failure ?? CommandFailure(.usage, "no socket to ask")
    }

    /// - Parameters:
    ///   - method: Without the interface's name.
    ///   - action: What the user asked for, for the error.
    func call<Reply: Decodable>(
        _ method: String,
        _ parameters: some Encodable = NoParameters(),
        action: String
    ) throws(CommandFailure) -> Reply {
        do {
            return try client.call("\(Admin.interface).\(method)", parameters)
        } catch {
            throw CommandFailure(error, action: action, socket: socket)
        }
    }

    /// Calls a method that answers in several replies, and has each handled as it arrives.
    func stream<Reply: Decodable>(
        _ method: String,
        _ parameters: some Encodable,
        descriptors: [OwnedDescriptor] = [],
        action: String,
        each: (Reply) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        var replies: ReplySequence<Reply>
        do {
            replies = try client.callMore(
                "\(Admin.interface).\(method)", parameters, descriptors: descriptors)
        } catch {
            throw CommandFailure(error, action: action, socket: socket)
        }
        while true {
            let reply: Reply?
            do {
                reply = try replies.next()
            } catch {
                throw CommandFailure(error, action: action, socket: socket)
            }
            guard let reply else { return }
            try each(reply)
        }
    }
}
