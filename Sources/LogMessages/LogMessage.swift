import Logging

/// A message that an operator may want to look up: each has an entry, under the same id, in the
/// journal's catalog (`packaging/systemd/p2p-peer.catalog`), which `journalctl -x` prints beneath.
///
/// An id is drawn at random (`systemd-id128 new`), and never used again for anything else. What
/// varies goes into metadata: the catalog's text and `journalctl PEER=…` refer to it by field.
///
/// Source: sd_journal_send(3), "Message Catalog Developer Documentation" (systemd.io/CATALOG).
package enum LogMessage: String, CaseIterable, Sendable {
    // The daemon
    case started = "65000db3c21b4ec1a505fe6287601cf0"
    case startRefused = "3cd4bb36af6b44f08b613991cb58ef4c"
    case stopping = "ecc4aa9e0d74471da1ab4b1c9154f9f8"
    case stopped = "573d91570da6461d84a954df19747120"
    case configurationReloaded = "373747baded44ec3ab926b2663192944"
    case configurationRefused = "8a7761cbf7214142a5c3635f77a62a0f"
    case instanceMetadataFailed = "f8016e9f01524d13be03dd5c0605ee4c"
    case noAddress = "4b0a53ada6af4d318391575b0228a880"
    case selfCheckFailed = "03b3470b98444e98861fd75ad7df79ea"

    // Other peers
    case peerFound = "1bdabbe5fb3e4be8a2e1dae5bc3c1010"
    case peerReturned = "afc9d5c27c6646db97362478cf98f222"
    case peerSuspected = "fcceb7f0318f41a8860ac22424e3f8b4"
    case peerLost = "fa2f5f79664c43e8b375781a591dc359"
    case peerLeft = "41c7728fb42247bdb697e7a8f5948ff0"
    case peersUnreadable = "380d3bac2a444e6d92dd0567cc79d0f8"
    case peerNotSaved = "5c730c93424e4690bb488c23d67a8910"

    case friendWithoutREST = "9c528c0a05f243828a2bd20777dcfb66"

    // Directories
    case noDirectoryPassword = "6d2a8b6426454fa0902a75102663881d"
    case directoryEntered = "a52ade2b503c4158ab2fd16382e72304"
    case directoryLost = "474baee7abd64d12b3582cf90b44f8ae"
    case directoryRefuses = "ac6f3eec5f374afbb780def51d652603"
    case directoryListCut = "4e99e55541074ecf9d094e0a8db45101"

    // Transfers
    case transferDone = "8abc1a7797264b7cb11987019d4c452a"
    case transferFailed = "4d137acb46f24295b156c88f72996310"
    case sourceFailed = "c4470e750673464da9aa1a5eb4ca2ec8"
    case uploadDone = "0d5124a749be43f09de1ea67fe0667d7"
    case uploadFailed = "f3ab8b9be62f4074ae22bf9589b04c87"
    case partialFilesRemain = "465a751c13ec4323a96765b9fb164dd0"
    case transfersForgotten = "6599f80fab164c6ba386d589d5afb996"

    // The shared directory
    case catalogRebuilt = "cff2439bf01f44b8a1a5147bdccdf7d1"
    case catalogSuspended = "07daeae7cd5e4ab19fee22d6757e1e31"
    case catalogSilent = "40984ba5700646bea5544b994338f3eb"
    case filesNotShared = "4e50b171fa08445dbe9503e49bd3283b"
    case directoryNotWatched = "aeb5e0a51d9547dd94c3d9ff5081e5a8"
    case watchIncomplete = "1c9006d0391f405d9b5db0c4e8cb7ea1"

    // The directory
    case directoryPeerIn = "27c915d1745341a69ec65c51ac999d11"
    case directoryPeerOut = "3e3729d529ce4506bab51055c6ba36ba"
    case directoryLoginRefused = "3ce59179205f4b5496254e6124b11148"
    case directoryAccountChanged = "1752c03a988b4ff08196837b914e9d27"
    case directoryStoreSilent = "c335b0af31ab47f1916eca8369227659"
    case directoryStoreBack = "83b5b82f0058494daa2e90b22d6ccfcf"

    // Requests
    case requestFailed = "d8b163716f2e4e7587fe682e82b98d7b"
    case requestRefused = "b309b4038e534bb7a2f79e2486fe5c6b"
    case grpcClientCutOff = "9ea7b16f41fe4b04a8605a9680e442c6"

    /// 128 bits, 32 lower-case hexadecimal digits.
    package var id: String { rawValue }

    /// The metadata that carries the id: the journal's MESSAGE_ID. Lines on standard error leave
    /// it out.
    package static let idKey = "message_id"

    package var level: Logger.Level {
        switch self {
        case .startRefused: .critical
        case .configurationRefused, .selfCheckFailed, .catalogRebuilt, .requestFailed: .error
        case .peerLost, .peersUnreadable, .peerNotSaved, .transferFailed, .partialFilesRemain,
            .catalogSuspended, .catalogSilent, .filesNotShared, .directoryNotWatched,
            .watchIncomplete,
            .requestRefused, .instanceMetadataFailed, .noAddress, .friendWithoutREST,
            .noDirectoryPassword, .uploadFailed, .directoryStoreSilent, .directoryLost,
            .directoryRefuses, .directoryListCut, .grpcClientCutOff, .transfersForgotten:
            .warning
        case .started, .stopping, .stopped, .configurationReloaded, .peerFound, .peerLeft,
            .peerReturned, .peerSuspected,
            .transferDone, .sourceFailed, .uploadDone, .directoryPeerIn, .directoryPeerOut,
            .directoryLoginRefused, .directoryAccountChanged, .directoryStoreBack,
            .directoryEntered:
            .notice
        }
    }

    package var text: String {
        switch self {
        case .started: "started"
        case .startRefused: "cannot start"
        case .stopping: "stopping"
        case .stopped: "stopped"
        case .configurationReloaded: "configuration reloaded"
        case .configurationRefused: "configuration refused, the old one stays"
        case .instanceMetadataFailed:
            "the EC2 metadata service is of no help, name and ip are the host's own"
        case .noAddress: "this host has no address by which others reach it"
        case .selfCheckFailed: "self-check failed"
        case .peerFound: "peer found"
        case .peerReturned: "peer returned"
        case .peerSuspected: "peer does not answer"
        case .peerLost: "peer lost"
        case .peerLeft: "peer left"
        case .peersUnreadable: "cannot read the peers known"
        case .peerNotSaved: "cannot write down a peer"
        case .friendWithoutREST:
            "a friend has no REST URL, and peers register with each other by REST"
        case .noDirectoryPassword: "there is no password to log in to the directory with"
        case .directoryEntered: "logged in to a directory"
        case .directoryLost: "no directory can be reached, only the overlay is asked"
        case .directoryRefuses: "the directory refuses the login of this peer"
        case .directoryListCut: "the directory is not told of all files"
        case .transferDone: "transfer done"
        case .transferFailed: "transfer failed"
        case .uploadDone: "upload done"
        case .uploadFailed: "an upload failed"
        case .sourceFailed: "a source did not give the file to its end"
        case .partialFilesRemain: "cannot remove partial files"
        case .transfersForgotten: "the database of the transfers is begun anew"
        case .catalogRebuilt: "the catalog's database is rebuilt"
        case .catalogSuspended: "the shared directory cannot be indexed, it is tried again"
        case .catalogSilent: "the catalog does not answer"
        case .filesNotShared: "some files are not shared"
        case .directoryNotWatched:
            "the shared directory cannot be watched, changes are found by rescans"
        case .watchIncomplete: "not every directory can be watched, changes are found by rescans"
        case .directoryPeerIn: "a peer has logged in"
        case .directoryPeerOut: "a peer is no longer logged in"
        case .directoryLoginRefused: "a login was refused"
        case .directoryAccountChanged: "an account was changed"
        case .directoryStoreSilent: "the directory's store does not answer"
        case .directoryStoreBack: "the directory's store answers again"
        case .requestFailed: "a request failed"
        case .requestRefused: "a request was refused for want of resources"
        case .grpcClientCutOff: "a gRPC client was cut off"
        }
    }
}

extension Logger {
    /// Logs `message` at its own level, with its id.
    ///
    /// - Parameters:
    ///   - text: Instead of the message's own, where its words are laid down elsewhere.
    ///   - metadata: What varies; names of the journal's fields in lower case (`peer`,
    ///     `transfer`, `sha256`, `bytes`). No secrets.
    package func report(
        _ message: LogMessage, text: String? = nil, _ metadata: Logger.Metadata = [:],
        file: String = #fileID,
        function: String = #function, line: UInt = #line
    ) {
        log(
            level: message.level, "\(text ?? message.text)",
            metadata: metadata.merging([LogMessage.idKey: "\(message.id)"]) { _, id in id },
            file: file, function: function, line: line)
    }
}
