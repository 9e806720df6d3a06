import AdminWire
import Varlink

/// The original's menu: four choices, by lines alone, so that every terminal will do.
///
/// Ctrl-C goes back to the menu, and from there leaves; the end of the input leaves and waits for
/// the transfers under way, so that answers can come through a pipe.
struct Menu {
    let sockets: [String]
    let interrupt: Int32?
    let phrases: MenuPhrases
    let input: MenuInput
    let transfers: BackgroundTransfers
    let console: Console
    /// Lines that are shown at once; `nil` where nobody looks on.
    let pageLines: Int?

    /// Runs until the user leaves.
    ///
    /// - Throws: Where the output is lost.
    func run() throws(CommandFailure) -> ProgramExit {
        do throws(MenuStop) {
            switch try asked({ session throws(CommandFailure) in try session.status() }) {
            case .failed(let status): return status
            case .answered(let own):
                while true {
                    if let status = try turn(own) { return status }
                }
            }
        } catch {
            switch error {
            case .outputLost(let failure): throw failure
            case .endOfInput, .interrupted: return .interrupted
            }
        }
    }

    /// One choice; what to exit with where it was to leave.
    private func turn(_ own: Admin.Status) throws(MenuStop) -> ProgramExit? {
        try showChoices(own)
        do throws(MenuStop) {
            let choice = try choice()
            do throws(MenuStop) {
                switch choice {
                case "1": try download(own)
                case "2": try upload()
                case "3": try list(own)
                default: return try leave(asking: true, status: .ok)
                }
            } catch .interrupted {
                try say("\n" + phrases(.backToMenu))
            }
            return nil
        } catch {
            switch error {
            case .outputLost: throw error
            case .interrupted:
                try say("")
                return try leave(asking: true, status: .interrupted)
            case .endOfInput:
                try say("")
                return try leave(asking: false, status: .ok)
            }
        }
    }

    private func showChoices(_ own: Admin.Status) throws(MenuStop) {
        try say("\n" + phrases(.title, own.name))
        for (number, text) in [(1, MenuText.search), (2, .upload), (3, .list), (0, .leave)] {
            try say(" \(number)  \(phrases(text))")
        }
        for transfer in transfers.active { try say(phrases.underWay(transfer)) }
    }

    private func choice() throws(MenuStop) -> String {
        while true {
            let line = try ask(phrases(.choice))
            if ["1", "2", "3", "0"].contains(line) { return line }
            try say(phrases(.badChoice, line))
        }
    }
}

// MARK: - Leaving

/// Why the menu does not get an answer.
enum MenuStop: Error {
    case endOfInput
    case interrupted
    case outputLost(CommandFailure)
}

extension Menu {
    /// - Parameters:
    ///   - asking: Whether there is somebody to ask about transfers under way.
    ///   - status: To exit with.
    /// - Returns: `nil` for back to the menu.
    private func leave(asking: Bool, status: ProgramExit) throws(MenuStop) -> ProgramExit? {
        do throws(MenuStop) {
            while asking, !transfers.active.isEmpty {
                let line = try ask(phrases(.leaveQuestion, "\(transfers.active.count)"))
                if line.isEmpty { break }
                if line.lowercased() == "m" { return nil }
                if line.lowercased() == "c" { return try cancel(status) }
                try say(phrases(.badLeave, line))
            }
        } catch .endOfInput {
            try say("")
        } catch .interrupted {
            return try cancel(.interrupted)
        }
        do throws(MenuStop) {
            try waitForTransfers()
        } catch .interrupted {
            return try cancel(.interrupted)
        }
        try say(phrases(.goodbye))
        return status
    }

    /// The transfers' connections go with the process, and the daemon then stops them.
    private func cancel(_ status: ProgramExit) throws(MenuStop) -> ProgramExit {
        try say("\n" + phrases(.cancelled))
        return status
    }

    private func waitForTransfers() throws(MenuStop) {
        var isTold = false
        while true {
            let (ended, active) = transfers.takeEnded()
            for transfer in ended { try say(phrases.ended(transfer)) }
            if active == 0 { return }
            if !isTold { try say(phrases(.waiting, "\(active)")) }
            isTold = true
            if input.next(readsLines: false) == .interrupted { throw .interrupted }
        }
    }
}

// MARK: - Talking

extension Menu {
    func say(_ line: String) throws(MenuStop) {
        try write(line + "\n")
    }

    /// Asks for one line; transfers that end meanwhile are told on lines of their own, and the
    /// question is put again: what is typed already stays with the terminal.
    func ask(_ question: String) throws(MenuStop) -> String {
        for ended in transfers.takeEnded().ended { try say(phrases.ended(ended)) }
        try write(question)
        while true {
            switch input.next() {
            case .line(let line): return line
            case .end: throw .endOfInput
            case .interrupted: throw .interrupted
            case .woken:
                let ended = transfers.takeEnded().ended
                if ended.isEmpty { continue }
                try say("")
                for transfer in ended { try say(phrases.ended(transfer)) }
                try write(question)
            }
        }
    }

    /// Shows lines page by page, as far as the user wants.
    func show(_ lines: [String]) throws(MenuStop) {
        for (index, line) in lines.enumerated() {
            if let pageLines, index > 0, index.isMultiple(of: pageLines),
                try ask(phrases(.more)) == "0"
            {
                return
            }
            try say(line)
        }
    }

    private func write(_ text: String) throws(MenuStop) {
        do {
            try console.output(text)
        } catch {
            throw .outputLost(error)
        }
    }

    enum Answer<Value> {
        case answered(Value)
        /// The user has been told.
        case failed(ProgramExit)
    }

    /// Asks the daemon, on a connection of its own: it may have been started again in between.
    func asked<Value>(
        _ question: (AdminSession) throws(CommandFailure) -> Value
    ) throws(MenuStop) -> Answer<Value> {
        do throws(CommandFailure) {
            return .answered(try question(AdminSession(sockets: sockets, interrupt: interrupt)))
        } catch {
            if error.status == .interrupted {
                input.forgetInterrupt()
                throw .interrupted
            }
            try say(phrases.failure(error, socket: sockets.first ?? ""))
            return .failed(error.status)
        }
    }
}

extension AdminSession {
    func status() throws(CommandFailure) -> Admin.Status {
        try call("Status", action: "")
    }
}
