/// Media types by a file's extension.
enum MediaType {
    static let json = "application/json"
    static let problem = "application/problem+json"
    static let unknown = "application/octet-stream"

    private static let byExtension = [
        "txt": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8",
        "md": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8",
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "json": json, "xml": "application/xml", "yaml": "application/yaml",
        "yml": "application/yaml", "pdf": "application/pdf", "zip": "application/zip",
        "gz": "application/gzip", "tgz": "application/gzip", "zst": "application/zstd",
        "bz2": "application/x-bzip2", "xz": "application/x-xz", "tar": "application/x-tar",
        "7z": "application/x-7z-compressed", "deb": "application/vnd.debian.binary-package",
        "parquet": "application/vnd.apache.parquet", "sqlite": "application/vnd.sqlite3",
        "wasm": "application/wasm", "iso": "application/x-iso9660-image",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp", "avif": "image/avif", "svg": "image/svg+xml", "mp3": "audio/mpeg",
        "ogg": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "mp4": "video/mp4",
        "webm": "video/webm", "mkv": "video/matroska",
    ]

    /// - Parameter type: An extension in lower case without its dot.
    static func of(extension type: String) -> String {
        byExtension[type] ?? unknown
    }
}
