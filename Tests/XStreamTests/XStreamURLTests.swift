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

  @Test("delays grow up to the longest, and jitter takes up to half away")
  func delays() {
    let policy = RetryPolicy(initialDelay: .seconds(1), maximumDelay: .seconds(10), patience: .seconds(60))
    #expect(
      [1, 2, 3, 4, 5, 60].map { policy.delay(failures: $0, jitter: 1) } == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
    #expect(policy.delay(failures: 2, jitter: 0) == .seconds(1))
  }
}
