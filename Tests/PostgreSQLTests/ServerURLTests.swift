import PostgreSQL
import Testing

@Suite("The URL of a database")
struct ServerURLTests {
    @Test(
        "is shown without what may be secret",
        arguments: [
            ("postgresql://u:secret@db.example:5432/p2p", "postgresql://u@db.example:5432/p2p"),
            ("postgres://u@[::1]/p2p?password=secret&x=y@z", "postgresql://u@[::1]/p2p"),
            ("postgresql://a,b:2/p2p", "postgresql://a,b:2/p2p"),
            ("postgresql:///p2p?host=/run/postgresql", "postgresql:///p2p"),
            ("postgresql://u:p%40%2F%3F@h", "postgresql://u@h"), ("postgresql://", "postgresql://"),
        ])
    func redacted(url: String, shown: String) throws {
        #expect(try "\(ServerURL(url))" == shown)
    }

    @Test(
        "is not shown where a piece of the password stands for something else",
        arguments: [
            "postgresql://u:sec@ret@host/p2p", "postgresql://u:sec/ret@host/p2p",
            "postgresql://u:sec?ret@host/p2p", "postgresql://u:sec#ret@host/p2p",
            "postgresql://u:secret%@ret ho/p2p", "mysql://u:secret@host", "",
            "postgresql://u:secret@h\0ost",
        ])
    func refused(url: String) throws {
        // A `?` in a password leaves what looks like a host and a port.
        do {
            #expect(try !"\(ServerURL(url))".contains("ret"))
        } catch {
            #expect(!"\(error)".contains("ret"))
        }
    }

    @Test("is not quoted by errors")
    func errors() throws {
        let urls = [
            "postgresql://u:secret@127.0.0.1:1/x", "postgresql://u:sec%zzret@127.0.0.1:1/x",
            "postgresql://u:secret@/x?host=/nonexistent&nonsense=secret",
            "postgresql://u:sec?ret@127.0.0.1:1/x", "postgresql://u:secret@127.0.0.1:99999999/x",
        ]
        for url in urls {
            #expect {
                _ = try Connection(try ServerURL(url))
            } throws: { error in
                !"\(error)".contains("ret") && !"\(error)".contains("sec")
            }
        }
    }
}
