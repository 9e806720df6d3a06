import Directory
import HTTPTypes

extension Problem {
    private static let realm = "Bearer realm=\"directory\""

    /// In English, for `/v1/directory/`.
    init(_ error: DirectoryError) {
        switch error {
        case .wrongCredentials:
            self.init(
                status: .unauthorized, detail: error.description,
                fields: [.wwwAuthenticate: Self.realm])
        case .unknownToken:
            self.init(
                status: .unauthorized, detail: error.description,
                fields: [.wwwAuthenticate: "\(Self.realm), error=\"invalid_token\""])
        case .throttled(let delay):
            self.init(
                status: .tooManyRequests, detail: error.description,
                fields: Self.retryAfter(delay))
        case .badIndex(.tooLarge), .badIndex(.tooManyFiles):
            self.init(status: .contentTooLarge, detail: error.description)
        case .badIndex, .invalid, .store(.badCursor):
            self.init(status: .badRequest, detail: error.description)
        case .busy, .store:
            self.init(
                status: .serviceUnavailable,
                detail: Self.silence(
                    error,
                    "the directory's store "
                        + "does not answer, try again"),
                fields: [.retryAfter: "2"])
        }
    }

    /// In Spanish, word for word what SEED-API.md has.
    init(spanish error: DirectoryError) {
        self.init(error)
        switch error {
        case .wrongCredentials, .unknownToken: detail = "Usuario o contraseña incorrectos"
        case .badIndex(let fault):
            // The original knows one status for it.
            status = .badRequest
            detail = Self.badIndexInSpanish
            reason = fault.description
        case .throttled(let delay):
            detail =
                "Demasiados intentos fallidos; inténtelo de nuevo en \(Self.seconds(delay)) s"
        case .invalid(let text):
            detail = "Petición inválida"
            reason = text
        case .store(.badCursor): detail = "Cursor inválido"
        case .busy, .store: detail = "El directorio no está disponible; inténtelo de nuevo"
        }
    }

    static let badIndexInSpanish = "Formato inválido en files_index"

    static let noHolder = Problem(
        status: .notFound, detail: "Archivo no encontrado en ningún peer activo")

    static let tokenMissing = Problem(
        status: .unauthorized,
        detail: "a token is needed: log in, then send Authorization: Bearer TOKEN",
        fields: [.wwwAuthenticate: realm])

    static let otherIndex = Problem(
        status: .conflict,
        detail: "the directory holds another list: send yours whole, PUT /v1/directory/index")

    static let listsBusy = Problem(
        status: .serviceUnavailable, detail: "other peers are sending their lists, try again",
        fields: [.retryAfter: "2"])

    /// What a store says of its database is for the log.
    private static func silence(_ error: DirectoryError, _ text: String) -> String {
        if case .store = error { text } else { error.description }
    }

    private static func retryAfter(_ delay: Duration) -> HTTPFields {
        [.retryAfter: "\(seconds(delay))"]
    }

    private static func seconds(_ delay: Duration) -> Int64 {
        let (seconds, rest) = delay.components
        return max(1, seconds + (rest > 0 ? 1 : 0))
    }
}
