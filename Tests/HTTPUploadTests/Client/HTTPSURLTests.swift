import Testing

@testable import HTTPUpload

@Suite("HTTPSURL")
struct HTTPSURLTests {
  @Test(
    "a URL is read, and written as it goes out",
    arguments: [
      ("https://Host/a?b", "https://host/a?b"), ("HTTPS://host", "https://host/"),
      ("https://host:443/a#f", "https://host/a"),
      ("https://[::1]:8443/a", "https://[::1]:8443/a"), ("https://host/ä", "https://host/%C3%A4"),
    ])
  func reads(text: String, written: String) throws {
    #expect(try HTTPSURL(text).description == written)
  }

  @Test(
    "what is none is refused",
    arguments: [
      "http://a/b", "xstream://a/b", "https:///b", "https://u@a/b", "https://a b/", "https://a:0/", "https://a:99999/",
      "a/b",
    ])
  func refuses(text: String) {
    #expect(throws: HTTPSURLError.self) { try HTTPSURL(text) }
  }

  @Test("hosts of addresses have no brackets where a socket wants them")
  func host() throws {
    let url = try HTTPSURL("https://[::1]/a")
    #expect(url.host == "::1" && url.port == 443 && url.authority == "[::1]")
  }

  @Test(
    "references are resolved",
    arguments: [
      ("x", "https://h/a/x"), ("/x", "https://h/x"), ("?q", "https://h/a/b?q"), ("../x", "https://h/x"),
      ("./x/..", "https://h/a/"), ("//g/x", "https://g/x"), ("http://h/x", "https://h/x"), ("http://g/x", nil),
      ("x:y", nil), ("", nil),
    ])
  func resolves(reference: String, result: String?) throws {
    #expect(try HTTPSURL("https://h/a/b").resolving(reference)?.description == result)
  }

  @Test("a name goes behind a slash alone, encoded")
  func naming() throws {
    #expect(try HTTPSURL("https://h/a/").naming("ä/b").description == "https://h/a/%C3%A4%2Fb")
    #expect(try HTTPSURL("https://h/a").naming("b").description == "https://h/a")
  }
}
