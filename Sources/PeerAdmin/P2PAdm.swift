import AdminWire
import ArgumentParser

/// The companion of the daemon: arguments in, exit status out.
package struct P2PAdm: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "p2padm",
        abstract: "Looks at and steers the p2p-peer daemon of this host.",
        discussion: """
            Options of a command come after it: p2padm peers --json.

            EXAMPLES
              p2padm search report                 names with "report", at every host
              p2padm get docs/q3.parquet           into the shared directory
              p2padm get docs/q3.parquet@peer2     the one at peer2
              p2padm get sha256:HEX --output /tmp  this content, to /tmp, as yourself
              p2padm put q3.parquet peer2          sends it to peer2, which shares it
              p2padm peers                         who is there, who is not, and why
              p2padm graph --dot | dot -Tsvg       who is linked with whom, as a picture
              p2padm user add Peer1                an account of this directory
              p2padm files --json | jq -r .file.path  the paths of all files shared here
              p2padm menu                          all of this by questions

            EXIT STATUS
              0    done
              1    nothing found, or the daemon could not do it
              64   wrong usage
              66   put: the file cannot be read
              69   the daemon is not running
              73   the output cannot be created, or exists already
              74   the transfer failed
              77   no permission (group p2p-admin, or p2p-read to look only)
              78   reload: the configuration cannot be used
              130  interrupted

            JSON
              With --json each line is one object: {"version":1,"type":T,T:{...}}.
              T is status, peer, link, hit, coverage, file, progress, result, upload, transfer,
              bootstrap, reload, rescan, user or change. Sizes are in bytes, instants in
              milliseconds since 1970, durations in milliseconds.

            ENVIRONMENT
              P2PADM_SOCKET  the daemon's socket, unless --socket says one
              NO_COLOR       no colours
              LC_ALL, LC_MESSAGES, LANG  the language of menu: es for Spanish, else English
            """,
        version: "p2padm \(Project.version)",
        subcommands: [
            StatusCommand.self, PeersCommand.self, GraphCommand.self, SearchCommand.self,
            FilesCommand.self,
            GetCommand.self, PutCommand.self, TransfersCommand.self, MenuCommand.self,
            BootstrapCommand.self, ReloadCommand.self, RescanCommand.self, UserCommand.self,
        ])

    package init() {}

    /// What is wrong with a first word that is no command; ArgumentParser only calls it unexpected.
    static func misunderstood(_ first: String?) -> String? {
        let commands = configuration.subcommands.compactMap { $0.configuration.commandName }
        guard let first else { return nil }
        if ["--socket", "--json"].contains(where: { first == $0 || first.hasPrefix("\($0)=") }) {
            return "\(first) comes after the command: p2padm status \(first)"
        }
        if first.hasPrefix("-") || first == "help" || commands.contains(first) { return nil }
        return "there is no command \(TerminalText.escaped(first)): p2padm knows "
            + commands.joined(separator: ", ") + " (p2padm --help)"
    }

    /// The program.
    package static func start() {
        if let reason = misunderstood(CommandLine.arguments.dropFirst().first) {
            Console.standard(environment: [:]).warn(reason)
            exit(withError: ExitCode(ProgramExit.usage.rawValue))
        }
        main()
    }
}
