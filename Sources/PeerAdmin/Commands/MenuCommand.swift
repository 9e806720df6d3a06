import ArgumentParser
import CLinux
import FoundationEssentials
import Glibc
import Varlink

/// `p2padm menu`
struct MenuCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "menu",
        abstract: "Asks what to do, in English or Spanish: find, download, upload, list.",
        discussion: """
            Any terminal will do: it is asked and answered by lines. Downloads and uploads go on \
            in the background, and their end is announced. Ctrl-C goes back to the menu, and from \
            there leaves; Ctrl-D leaves. Leaving with transfers under way asks whether to wait for \
            them or to cancel them; where the input ends, they are waited for.
            """)

    @OptionGroup var common: CommonOptions

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let console = Console.standard(environment: environment)
        do throws(CommandFailure) {
            if common.json {
                throw CommandFailure(
                    .usage, "menu: --json is for programs, which have search, get, put and files")
            }
            let status = try menu(console, environment).run()
            throw CommandFailure(status, "")
        } catch {
            if !error.message.isEmpty { console.warn(error.message) }
            throw ExitCode(error.status.rawValue)
        }
    }

    private func menu(
        _ console: Console,
        _ environment: [String: String]
    ) throws(CommandFailure) -> Menu {
        // Before any thread is started, so that none of them takes the signal.
        let interrupt = clinux_interrupt_signal()
        let transfers: BackgroundTransfers
        do {
            transfers = try BackgroundTransfers()
        } catch {
            throw CommandFailure(.failed, "menu: \(error)")
        }
        return Menu(
            sockets: common.sockets(environment: environment),
            interrupt: interrupt >= 0 ? interrupt : nil,
            phrases: MenuPhrases(locale: MenuLocale(environment: environment)),
            input: MenuInput(
                descriptor: STDIN_FILENO, interrupt: interrupt >= 0 ? interrupt : nil,
                wakeup: transfers.wakeup.rawValue),
            transfers: transfers, console: console, pageLines: Self.pageLines())
    }

    /// Lines of the terminal without the one for the question; 24 where it does not say.
    private static func pageLines() -> Int? {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
        return max(isKnown ? Int(size.ws_row) - 1 : 23, 3)
    }
}
