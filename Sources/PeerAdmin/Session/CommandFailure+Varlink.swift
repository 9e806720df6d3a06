import AdminWire
import Varlink

extension CommandFailure {
    private struct Named: Decodable {
        var field: String?
        var reason: String?
        var group: String?
        var what: String?
        var coverage: Admin.Coverage?
        var here: String?
        var path: String?
        var choices: [Admin.Answer]?
        var faults: [String]?
        var received: Int?
        var size: Int?
        var parameter: String?
        var peer: String?
        var sent: Int?
        var name: String?
    }

    /// - Parameters:
    ///   - action: What was asked, as in "search report".
    ///   - socket: Where the daemon was asked.
    init(_ error: ClientError, action: String, socket: String) {
        switch error {
        case .remote(let remote):
            self.init(remote: remote, action: action, socket: socket)
        case .interrupted:
            self.init(.interrupted, "\(action): interrupted")
        case .notThere, .refused, .permissionDenied:
            self = .cannotConnect(error, socket: socket)
        case .closed:
            self.init(
                .unavailable,
                "\(action): the daemon closed the connection before it had answered: is it running,"
                    + " or too busy? (systemctl status p2p-peer)")
        case .malformed, .replyTooLong, .system:
            self.init(.failed, "\(action): \(TerminalText.escaped(error.description))")
        }
    }

    /// The daemon cannot be reached at all.
    static func cannotConnect(_ error: ClientError, socket: String) -> CommandFailure {
        let path = TerminalText.escaped(socket)
        switch error {
        case .permissionDenied:
            return CommandFailure(
                .noPermission,
                "no permission to connect to \(path): become a member of the group p2p-admin"
                    + " (or p2p-read to look only), then log in again:"
                    + " usermod -aG p2p-admin USER")
        case .notThere, .refused:
            return CommandFailure(
                .unavailable,
                "no daemon answers on \(path): is it running? (systemctl status p2p-peer)")
        default:
            return CommandFailure(.unavailable, TerminalText.escaped(error.description))
        }
    }

    private init(remote: VarlinkError, action: String, socket: String) {
        let fields: Named
        do {
            fields = try remote.parameters(as: Named.self)
        } catch {
            // The name still says what kind of error it is.
            fields = Named()
        }
        let prefix = Admin.interface + "."
        let known = remote.name.hasPrefix(prefix) ? String(remote.name.dropFirst(prefix.count)) : ""
        let (status, reason) =
            Self.described(known, fields) ?? Self.described(protocolError: remote.name, fields)
        self.init(status, "\(action): \(reason)")
    }

    private static func described(_ name: String, _ fields: Named) -> (ProgramExit, String)? {
        func text(_ value: String?) -> String { TerminalText.escaped(value ?? "?") }
        switch name {
        case "InvalidArgument":
            return (.usage, "\(text(fields.field)): \(text(fields.reason))")
        case "PermissionDenied":
            let group = text(fields.group ?? "p2p-admin")
            return (
                .noPermission,
                "permission denied: this changes something, which needs the group \(group):"
                    + " usermod -aG \(group) USER, then log in again"
            )
        case "NotFound":
            return (.failed, absence(of: text(fields.what), fields))
        case "AlreadyExists":
            return (
                .cannotCreate,
                "\(text(fields.path)) is in the shared directory already: --force replaces it"
            )
        case "Ambiguous": return (.failed, ambiguity(fields))
        case "TransferFailed":
            let size = fields.size.map { " of " + HumanFormat.size($0) } ?? ""
            let received = fields.received ?? 0
            return (
                .transferFailed,
                "\(text(fields.reason)) (\(HumanFormat.size(received))\(size) arrived):"
                    + " the same command again \(received > 0 ? "resumes it" : "tries it again")"
            )
        case "UploadFailed":
            let sizes =
                "\(HumanFormat.size(fields.sent ?? 0)) of \(HumanFormat.size(fields.size ?? 0))"
            return (
                .transferFailed,
                "\(text(fields.peer)) does not keep it: \(text(fields.reason)) (\(sizes) sent)"
            )
        case "InvalidConfiguration":
            let faults = (fields.faults ?? []).map { "\n  " + TerminalText.escaped($0) }
            return (
                .badConfiguration,
                "the configuration cannot be used, the daemon keeps its old one; "
                    + HumanFormat.plural(faults.count, "fault") + ":" + faults.joined()
            )
        case "NoDirectory":
            return (
                .failed, "this daemon is no directory: set directory.serve in its configuration"
            )
        case "NoSuchUser":
            return (.failed, "there is no account \(text(fields.name)): p2padm user list")
        case "UserExists":
            return (
                .failed,
                "there is an account \(text(fields.name)) already: p2padm user passwd sets its"
                    + " password"
            )
        case "Busy": return (.failed, "\(text(fields.reason)): try again later")
        case "Failed": return (.failed, text(fields.reason))
        default: return nil
        }
    }

    /// The errors that belong to Varlink itself.
    private static func described(
        protocolError name: String,
        _ fields: Named
    ) -> (ProgramExit, String) {
        switch name {
        case "org.varlink.service.PermissionDenied":
            return (.noPermission, "permission denied: it needs the group p2p-admin")
        case "org.varlink.service.InvalidParameter":
            return (.usage, "the daemon refuses \(TerminalText.escaped(fields.parameter ?? "it"))")
        case "org.varlink.service.MethodNotFound", "org.varlink.service.MethodNotImplemented",
            "org.varlink.service.InterfaceNotFound":
            return (.failed, "the daemon does not know this command: is it older than p2padm?")
        default:
            return (.failed, "the daemon answered with \(TerminalText.escaped(name))")
        }
    }

    private static func absence(of what: String, _ fields: Named) -> String {
        let reach = fields.coverage.map(reach) ?? ""
        guard let here = fields.here else { return "not found: \(what)\(reach)" }
        return "no other peer has \(what)\(reach): this one has it itself, as "
            + TerminalText.escaped(here)
    }

    /// How far a search came, and what stopped it; the first reason stands for all.
    private static func reach(_ coverage: Admin.Coverage) -> String {
        let peers = "reached \(coverage.reached) of \(HumanFormat.plural(coverage.known, "peer"))"
        let failure = coverage.failed.first.map { "; \($0.url): \($0.reason)" } ?? ""
        return " (\(peers)\(TerminalText.escaped(failure)))"
    }

    private static func ambiguity(_ fields: Named) -> String {
        let path = TerminalText.escaped(fields.path ?? "?")
        let choices = fields.choices ?? []
        let list = choices.map { answer in
            let digest =
                answer.files.first?.sha256.map { String($0.prefix(12)) } ?? "not hashed yet"
            return TerminalText.escaped("\(answer.peer) (\(digest))")
        }
        let example = choices.first.map { TerminalText.escaped($0.peer) } ?? "PEER"
        return "\(path) has different contents at \(list.joined(separator: ", ")):"
            + " name one, as in p2padm get \(path)@\(example)"
    }
}
