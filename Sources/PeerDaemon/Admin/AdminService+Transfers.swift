import AdminWire
import Varlink

extension AdminService {
    func runningTransfers() -> Admin.RunningTransfers {
        Admin.RunningTransfers(transfers: fetches.running.all.map(Admin.RunningTransfer.init))
    }

    func cancelTransfer(_ call: VarlinkCall) throws -> VarlinkReply {
        let id = try call.parameters(as: Admin.TransferID.self).id
        guard fetches.running.cancel(id) else {
            throw AdminError.invalidArgument("id", "no transfer with the id \(id) runs")
        }
        return VarlinkReply(Admin.Nothing())
    }
}

extension Admin.RunningTransfer {
    init(_ entry: RunningFetches.Entry) {
        self.init(id: entry.id, progress: Admin.Progress(entry.progress))
    }
}
