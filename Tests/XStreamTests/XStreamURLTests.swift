import Testing
import XStream

struct XStreamURLTests {
  @Test(
    "a URL is read",
    arguments: [
      ("xstream://host/up", "host", 8443, "/up", "xstream://host/up"),
      ("XSTREAM://Host.Example:8443/a/b", "host.example", 8443, "/a/b", "xstream://host.example/a/b"),
      ("xstream://[::1]:9/x", "::1", 9, "/x", "xstream://[::1]:9/x"),
      ("xstream://127.0.0.1:65535/", "127.0.0.1", 65535, "/", "xstream://127.0.0.1:65535/"),
    ])
  func reads(text: String, host: String, port: Int, route: String, description: String) throws {
    let url = try XStreamURL(text)
    #expect(url.host == host)
    #expect(url.port == port)
    #expect(url.route == route)
    #expect(url.description == description)
  }

  @Test(
    "what is no URL is refused",
    arguments: [
      "", "host/up", "https://host/up", "xstream://host", "xstream:///up", "xstream://host:0/up",
      "xstream://host:65536/up", "xstream://host:+1/up", "xstream://host:/up", "xstream://::1/up",
      "xstream://[::1/up", "xstream://[host]/up", "xstream://me@host/up", "xstream://host/up?x", "xstream://host/a b",
      "xstream://host/a\n",
    ])
  func refuses(text: String) {
    #expect(throws: XStreamURLError.self) { try XStreamURL(text) }
  }
}
