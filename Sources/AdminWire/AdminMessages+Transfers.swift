extension Admin {
    package struct RunningTransfer: Codable, Equatable, Sendable {
        package var id: Int
        package var progress: Progress

        package init(id: Int, progress: Progress) {
            self.id = id
            self.progress = progress
        }
    }

    package struct RunningTransfers: Codable, Equatable, Sendable {
        package var transfers: [RunningTransfer]

        package init(transfers: [RunningTransfer]) {
            self.transfers = transfers
        }
    }

    package struct TransferID: Codable, Equatable, Sendable {
        package var id: Int

        package init(id: Int) {
            self.id = id
        }
    }

    /// The parameters of a call that returns nothing.
    package struct Nothing: Codable, Equatable, Sendable {
        package init() {}
    }
}
