import Testing

@testable import HTTPUpload

@Suite("RequestTarget")
struct RequestTargetTests {
  private static let key = "abcdefghijklmnopqrstuvwxyzABC-_9"

  private func place(_ target: String, _ routes: [String] = ["/files", "/files/deep", "/"], namesOnly: Bool = false)
    throws(HTTPProblem) -> RoutePlace
  {
    guard let path = try RequestTarget(target).path else { throw .badTarget(.form) }
    return try RoutePlace(path, routes: routes, namesOnly: namesOnly)
  }

  @Test("a path is split, then decoded")
  func decodes() throws {
    let target = try RequestTarget("/a%2Fb/%C3%A9?x=1?y")
    #expect(target.path?.segments == ["a/b", "é"])
    #expect(target.path?.query == "x=1?y")
    #expect(target.authority == nil)
  }

  @Test("an absolute form has an authority")
  func absoluteForm() throws {
    let target = try RequestTarget("HTTPS://Example.test:8443/files?q")
    #expect(target.authority == Authority("example.test:8443"))
    #expect(target.path?.segments == ["files"])
    #expect(try RequestTarget("https://example.test").path?.segments == [""])
    #expect(try RequestTarget("https://example.test?q").path?.segments == [""])
    #expect(try RequestTarget("*") == .asterisk)
  }

  @Test(
    "what is no target is refused",
    arguments: [
      ("files", .form), ("", .form), ("http://a/b", .form), ("https:///b", .form), ("https://u@a/b", .form),
      ("a:443", .form), ("/a#b", .fragment), ("/a b", .character), ("/é", .character), ("/a\u{1}", .character),
      ("/%", .percent), ("/%4", .percent), ("/%zz", .percent), ("/%00", .nul), ("/a%00b", .nul), ("/%ff", .encoding),
      ("/%c0%af", .encoding), ("/..", .dots), ("/a/../b", .dots), ("/%2e%2E/x", .dots), ("/./a", .dots),
    ] as [(String, TargetFault)])
  func refuses(target: String, fault: TargetFault) {
    #expect(throws: HTTPProblem.badTarget(fault)) { try RequestTarget(target) }
  }

  @Test(
    "the exact route wins, then the longest",
    arguments: [
      ("/files", "/files", .none), ("/files/", "/files", .none), ("/files/a.txt", "/files", .name("a.txt")),
      ("/files/\(Self.key)", "/files", .key(Self.key)), ("/files/deep", "/files/deep", .none),
      ("/files/deep/x", "/files/deep", .name("x")), ("/", "/", .none), ("/other", "/", .name("other")),
      ("/filesx", "/", .name("filesx")), ("/files/\(Self.key)x", "/files", .name("\(Self.key)x")),
      ("/files/%41", "/files", .name("A")), ("/files/a%5Cb", "/files", .name("a\\b")),
    ] as [(String, String, RoutePlace.Rest)])
  func places(target: String, route: String, rest: RoutePlace.Rest) throws {
    let place = try place(target)
    #expect(place.route == route)
    #expect(place.rest == rest)
  }

  @Test("a PUT's segment is a name, whatever it looks like")
  func namesOnly() throws {
    #expect(try place("/files/\(Self.key)", namesOnly: true).name == Self.key)
    #expect(try place("/files/\(Self.key)").key == Self.key)
  }

  @Test(
    "a name is a label or a problem",
    arguments: [
      "/files/a%2Fb", "/files/..%2Fx", "/files/a%0Ab", "/files/%7F", "/files/\(String(repeating: "a", count: 256))",
    ])
  func badNames(target: String) {
    #expect(throws: HTTPProblem.badName) { try place(target) }
  }

  @Test("a name may have 255 bytes")
  func longestName() throws {
    let name = String(repeating: "a", count: 255)
    #expect(try place("/files/\(name)").name == name)
  }

  @Test(
    "a path that no route has is not found",
    arguments: ["/", "/nosuch", "/filesx", "/files/a/b", "/files//", "//files"])
  func notFound(target: String) {
    #expect(throws: HTTPProblem.notFound) { try place(target, ["/files"]) }
  }

  @Test(
    "an authority is a host and perhaps a port",
    arguments: [
      ("Example.test", "example.test"), ("a:443", "a"), ("a:", "a"), ("a:8443", "a:8443"), ("[::1]:80", "[::1]:80"),
      ("[::1]", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("a b", nil), ("", nil), (":80", nil), ("a:65536", nil),
      ("a:b", nil), ("u@a", nil), ("a/b", nil), ("[]", nil), ("[::1", nil), ("[::1]x", nil), ("a,b", nil), ("<a>", nil),
      ("[fe80::1%25eth0]", nil),
    ] as [(String, String?)])
  func authorities(text: String, description: String?) {
    #expect(Authority(text)?.description == description)
  }

  @Test("a listed host without a port is listed with each")
  func listedHosts() throws {
    let plain = try #require(Authority("a.test"))
    let other = try #require(Authority("a.test:8443"))
    #expect(plain.isListed(in: ["A.test"]) && other.isListed(in: ["a.test"]))
    #expect(!plain.isListed(in: ["a.test:8443"]) && other.isListed(in: ["b", "a.test:8443"]))
    #expect(plain.isListed(in: ["a.test:443"]) && !other.isListed(in: ["a.test:443"]))
  }
}
