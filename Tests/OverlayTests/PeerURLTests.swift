import Testing

@testable import Overlay

@Suite struct PeerURLTests {
    @Test(
        "One peer has one spelling",
        arguments: [
            ("http://host:8001", "http://host:8001"),
            ("HTTP://Host:8001/", "http://host:8001"),
            ("http://host", "http://host"),
            ("http://host:80/", "http://host"),
            ("https://host:443", "https://host"),
            ("https://host:80", "https://host:80"),
            ("http://host:08001", "http://host:8001"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
            ("http://[FE80::1]:8001/", "http://[fe80::1]:8001"),
            ("http://[::1]", "http://[::1]"),
            ("http://my_peer-1.example.com:9", "http://my_peer-1.example.com:9"),
        ])
    func normalised(text: String, spelling: String) throws {
        #expect(try PeerURL(text).description == spelling)
        #expect(try PeerURL(spelling) == PeerURL(text))
    }

    @Test("The parts are read off")
    func parts() throws {
        let url = try PeerURL("https://[::1]:8443")
        #expect(url.isSecure)
        #expect(url.host == "::1")
        #expect(url.port == 8443)
        #expect(try PeerURL("http://host").port == 80)
    }

    @Test("What is no base URL is refused, naming the fault")
    func refused() {
        func error(_ text: String) -> PeerURLError? {
            do throws(PeerURLError) {
                _ = try PeerURL(text)
                return nil
            } catch {
                return error
            }
        }
        for text in ["", "host:8001", "ftp://host", "grpc://host:1"] {
            #expect(error(text) == .schemeUnsupported(text))
        }
        for text in [
            "http://", "http://:8001", "http://ho st", "http://hö", "http://[::1", "http://[x]",
        ] {
            #expect(error(text) == .hostInvalid(text))
        }
        for text in ["http://h:0", "http://h:65536", "http://h:", "http://h:+80", "http://h:8x"] {
            #expect(error(text) == .portInvalid(text))
        }
        for text in ["http://h/path", "http://u@h", "http://h?x", "http://h#x", "http://h//"] {
            #expect(error(text) == .partNotAllowed(text))
        }
        let long = "http://" + String(repeating: "a", count: 300)
        #expect(error(long) == .tooLong(bytes: 307))
        #expect(PeerURLError.portInvalid("x").description.contains("1...65535"))
    }
}
