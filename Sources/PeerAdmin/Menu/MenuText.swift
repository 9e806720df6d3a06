/// Everything that the menu says, in each language; `{0}`, `{1}` are values.
///
/// What the daemon or the system gives as a reason stays as it comes, in English.
enum MenuText: CaseIterable {
    // The menu.
    case title, search, upload, list, leave, choice, badChoice, backToMenu
    // Searching and downloading.
    case fileName, searching, nothingFound, onlyHere, tooManyHits, whichFile, badNumber
    case downloading, downloaded, alreadyHere, downloadFailed
    // Uploading.
    case filePath, unreadable, whichPeer, badPeer, noPeers, uploading, uploaded, uploadFailed
    // Listing.
    case thisPeer, noFiles, filesTotal, listCut, more
    // Transfers under way, and leaving.
    case downloadUnderWay, uploadUnderWay, tooManyTransfers, leaveQuestion, badLeave, waiting
    case cancelled, goodbye
    // Failures.
    case noDaemon, noPermission, failed

    var words: (english: String, spanish: String) {
        switch self {
        case .title: ("p2p-peer: this peer is {0}", "p2p-peer: este peer es {0}")
        case .search: ("Search and download", "Buscar y descargar")
        case .upload: ("Upload a file to a peer", "Subir un archivo a un peer")
        case .list: ("List a peer's files", "Listar los archivos de un peer")
        case .leave: ("Leave", "Salir")
        case .choice: ("Choice: ", "Opción: ")
        case .badChoice:
            (
                "There is no choice \"{0}\": type 1, 2, 3 or 0, then Enter.",
                "No existe la opción \"{0}\": escriba 1, 2, 3 o 0 y pulse Intro."
            )
        case .backToMenu: ("Interrupted: back to the menu.", "Interrumpido: de vuelta al menú.")

        case .fileName: ("File name, or a part of it: ", "Nombre del archivo, o parte de él: ")
        case .searching: ("Searching ...", "Buscando ...")
        case .nothingFound:
            (
                "No other peer has a file with \"{0}\" in its name (reached {1} of {2} peers).",
                "Ningún otro peer tiene un archivo con \"{0}\" en su nombre"
                    + " (respondieron {1} de {2} peers)."
            )
        case .onlyHere: ("This peer has it: {0}", "Este peer ya lo tiene: {0}")
        case .tooManyHits:
            (
                "Only the first {0} of {1} are listed: type more of the name.",
                "Solo se listan los primeros {0} de {1}: escriba más del nombre."
            )
        case .whichFile:
            ("Which one? (1-{0}, Enter: none): ", "¿Cuál? (1-{0}, Intro: ninguno): ")
        case .badNumber:
            (
                "\"{0}\" is none of them: type a number from 1 to {1}, or only Enter to go back.",
                "\"{0}\" no es ninguno: escriba un número de 1 a {1}, o solo Intro para volver."
            )
        case .downloading:
            (
                "Downloading {0} from {1} in the background; its end is announced here.",
                "Descargando {0} de {1} en segundo plano; aquí se avisará cuando termine."
            )
        case .downloaded:
            (
                "[done] {0} from {1}: {2} in {3}, now {4}",
                "[listo] {0} de {1}: {2} en {3}, ahora en {4}"
            )
        case .alreadyHere:
            (
                "[not fetched] {0}: the shared directory has a file of that name already"
                    + " (p2padm get --force replaces it)",
                "[no descargado] {0}: el directorio compartido ya tiene un archivo con ese nombre"
                    + " (p2padm get --force lo reemplaza)"
            )
        case .downloadFailed:
            ("[failed] {0} from {1}: {2}", "[falló] {0} de {1}: {2}")

        case .filePath: ("File to upload (path): ", "Archivo que subir (ruta): ")
        case .unreadable:
            (
                "That cannot be sent: {0}. Type another path, or only Enter to go back.",
                "No se puede enviar: {0}. Escriba otra ruta, o solo Intro para volver."
            )
        case .whichPeer:
            ("Which peer? (1-{0}, Enter: none): ", "¿Qué peer? (1-{0}, Intro: ninguno): ")
        case .badPeer:
            (
                "\"{0}\" is none of them: type a number from 1 to {1} or a name,"
                    + " or only Enter to go back.",
                "\"{0}\" no es ninguno: escriba un número de 1 a {1} o un nombre,"
                    + " o solo Intro para volver."
            )
        case .noPeers:
            (
                "No other peer is alive now (p2padm peers says why).",
                "Ningún otro peer está activo ahora (p2padm peers dice por qué)."
            )
        case .uploading:
            (
                "Uploading {0} to {1} in the background; its end is announced here.",
                "Subiendo {0} a {1} en segundo plano; aquí se avisará cuando termine."
            )
        case .uploaded:
            ("[done] {0} to {1}: {2} in {3}. {4}", "[listo] {0} a {1}: {2} en {3}. {4}")
        case .uploadFailed: ("[failed] {0} to {1}: {2}", "[falló] {0} a {1}: {2}")

        case .thisPeer: ("{0} (this peer)", "{0} (este peer)")
        case .noFiles: ("{0} shares no files.", "{0} no comparte archivos.")
        case .filesTotal: ("Files: {0}, {1}", "Archivos: {0}, {1} en total")
        case .listCut:
            ("Only the first {0} files are listed.", "Solo se listan los primeros {0} archivos.")
        case .more: ("Enter: more, 0: enough: ", "Intro: más, 0: basta: ")

        case .downloadUnderWay: ("   under way: {0} from {1}{2}", "   en curso: {0} de {1}{2}")
        case .uploadUnderWay: ("   under way: {0} to {1}{2}", "   en curso: {0} a {1}{2}")
        case .tooManyTransfers:
            (
                "{0} transfers are under way: try again when one of them has ended.",
                "Hay {0} transferencias en curso: intente de nuevo cuando termine alguna."
            )
        case .leaveQuestion:
            (
                "Transfers under way: {0}. Enter: wait, c: cancel, m: menu: ",
                "Transferencias en curso: {0}. Intro: esperar, c: cancelar, m: menú: "
            )
        case .badLeave:
            (
                "\"{0}\" is none of them: type c or m, or only Enter.",
                "\"{0}\" no es ninguna: escriba c o m, o solo Intro."
            )
        case .waiting:
            (
                "Waiting for the transfers under way: {0}; Ctrl-C cancels them.",
                "Esperando las transferencias en curso: {0}; Ctrl-C las cancela."
            )
        case .cancelled:
            (
                "Cancelled: a download goes on from where it was when it is asked for again.",
                "Cancelado: una descarga sigue desde donde iba cuando se pida de nuevo."
            )
        case .goodbye: ("Bye.", "Hasta luego.")

        case .noDaemon:
            (
                "No daemon answers on {0}: is it running? (systemctl status p2p-peer)",
                "Ningún demonio responde en {0}: ¿está en marcha? (systemctl status p2p-peer)"
            )
        case .noPermission:
            (
                "No permission: the daemon's socket is for the group p2p-admin:"
                    + " usermod -aG p2p-admin USER, then log in again.",
                "Sin permiso: el socket del demonio es del grupo p2p-admin:"
                    + " usermod -aG p2p-admin USUARIO, y vuelva a iniciar sesión."
            )
        case .failed: ("That did not work: {0}", "No se pudo: {0}")
        }
    }
}
