import AdminWire
import ArgumentParser

/// `p2padm user`
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "The accounts of the directory that this daemon is.",
        subcommands: [
            List.self, Add.self, Passwd.self, Disable.self, Enable.self, Remove.self,
        ])

    /// `p2padm user list`
    struct List: AdminCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "The accounts, and who is logged in.")

        @OptionGroup var common: CommonOptions

        var action: String { "user list" }

        func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
            var users: [Admin.User] = []
            try session.stream("ListUsers", Admin.UsersQuery(), action: action) {
                (reply: Admin.Users) throws(CommandFailure) in
                if common.json {
                    for user in reply.users { try printJSON("user", user, console) }
                } else {
                    users += reply.users
                }
            }
            if common.json { return }
            if users.isEmpty {
                return console.warn("user list: there are none: p2padm user add NAME")
            }
            try console.output(UserTable.rendered(users, style: console.style))
        }
    }

    /// `p2padm user add NAME`
    struct Add: PasswordCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Makes an account for a peer, with a password.",
            discussion: PasswordOptions.discussion)

        @Argument(help: "The account's name, which is its peer's.") var name: String
        @OptionGroup var password: PasswordOptions
        @OptionGroup var common: CommonOptions

        static let (verb, method, done) = ("add", "AddUser", "added")
    }

    /// `p2padm user passwd NAME`
    struct Passwd: PasswordCommand {
        static let configuration = CommandConfiguration(
            commandName: "passwd",
            abstract: "Sets another password; who is logged in stays so until the next login.",
            discussion: PasswordOptions.discussion)

        @Argument(help: "The account's name.") var name: String
        @OptionGroup var password: PasswordOptions
        @OptionGroup var common: CommonOptions

        static let (verb, method, done) = ("passwd", "SetPassword", "has a new password")
    }

    /// `p2padm user disable NAME`
    struct Disable: UserChangeCommand {
        static let configuration = CommandConfiguration(
            commandName: "disable",
            abstract: "Logs an account out and lets it in no more; its list is kept.")

        @Argument(help: "The account's name.") var name: String
        @OptionGroup var common: CommonOptions

        static let (verb, method, done) = ("disable", "DisableUser", "disabled")
    }

    /// `p2padm user enable NAME`
    struct Enable: UserChangeCommand {
        static let configuration = CommandConfiguration(
            commandName: "enable", abstract: "Lets a disabled account in again.")

        @Argument(help: "The account's name.") var name: String
        @OptionGroup var common: CommonOptions

        static let (verb, method, done) = ("enable", "EnableUser", "enabled")
    }

    /// `p2padm user remove NAME`
    struct Remove: UserChangeCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Removes an account with the list of its peer.")

        @Argument(help: "The account's name.") var name: String
        @OptionGroup var common: CommonOptions

        static let (verb, method, done) = ("remove", "RemoveUser", "removed")
    }
}

/// A command that changes one account.
protocol UserChangeCommand: AdminCommand {
    /// What follows `p2padm user`, the daemon's method, and what is said when it is done.
    static var verb: String { get }
    static var method: String { get }
    static var done: String { get }

    var name: String { get }

    func change(_ session: AdminSession, _ console: Console) throws(CommandFailure)
        -> Admin.UserChange
}

extension UserChangeCommand {
    var action: String { "user \(Self.verb) \(TerminalText.escaped(name))" }

    func change(_ session: AdminSession, _ console: Console) throws(CommandFailure)
        -> Admin.UserChange
    {
        try session.call(Self.method, Admin.UserName(name: name), action: action)
    }

    func perform(_ session: AdminSession, _ console: Console) throws(CommandFailure) {
        let change = try change(session, console)
        if common.json {
            return try printJSON(
                "change",
                UserChangeLine(name: name, action: Self.verb, logged_out: change.logged_out),
                console)
        }
        let end = change.logged_out ? ", and logged out" : ""
        try console.output("\(TerminalText.escaped(name)) \(Self.done)\(end)\n")
    }
}

/// A command that gives an account a password.
protocol PasswordCommand: UserChangeCommand {
    var password: PasswordOptions { get }
}

extension PasswordCommand {
    func change(_ session: AdminSession, _ console: Console) throws(CommandFailure)
        -> Admin.UserChange
    {
        let password = try password.read(
            for: name, action: action, interrupt: session.interrupt, console)
        return try session.call(
            Self.method, Admin.NewUser(name: name, password: password), action: action)
    }
}

/// The `change` of the JSON output.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct UserChangeLine: Encodable {
    var name: String
    var action: String
    var logged_out: Bool
}

/// The table of `p2padm user list`.
enum UserTable {
    static func rendered(_ users: [Admin.User], style: Style) -> String {
        var table = Table([.init(title: "STATE"), .init(title: "NAME")])
        for user in users {
            let state = user.disabled ? "disabled" : user.logged_in ? "logged in" : "away"
            table.append([
                .init(state, color: user.disabled ? .red : user.logged_in ? .green : .yellow),
                .init(user.name),
            ])
        }
        return table.rendered(style: style)
    }
}
