import ConfigurationReading
import GatewayCore
import Testing

@testable import GatewayServer

/// How a route's `access` is written, beside the forms that ``ConfigurationAccessTests`` has.
@Suite struct AccessWaysTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private static let pin = String(repeating: "0f", count: 32)

  private func yaml(_ access: String, top: String = "", crl: String = "") -> String {
    """
    listen: 0.0.0.0:8443
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key, client-ca: certs/dev/clients-ca.pem\(crl)}
    \(top)
    routes:
      /upload-file:
        store: {directory: var/uploads}
        access: \(access)
    """
  }

  private func ways(_ access: String, top: String = "") throws -> [AccessWay] {
    try folder.parse(yaml(access, top: top)).routes[0].route.access.ways
  }

  @Test("tokens by name or group, certificates by what they say, and both together")
  func ways() throws {
    #expect(try ways("{tokens: tokens.txt, certificates: true}") == [.init(tokens: .any), .init(certificates: .any)])
    #expect(try ways("{tokens: true}", top: "tokens: tokens.txt") == [.init(tokens: .any)])
    #expect(
      try ways("{tokens: {names: backup, groups: [a, b]}}", top: "tokens: tokens.txt")
        == [.init(tokens: .init(names: ["backup"], groups: ["a", "b"]))])
    #expect(try ways("{tokens: {file: tokens.txt, groups: a}}") == [.init(tokens: .init(groups: ["a"]))])
    let certificates = """
      {certificates: {subject: ["CN=a,O=b"], common-name: a, dns: ["*.a.example", b.example], uri: "spiffe://a/*",
                  email: a@b.example, key: "sha256:\(Self.pin)", authority: sha256:\(Self.pin)}}
      """
    let bytes = [UInt8](repeating: 15, count: 32)
    #expect(
      try ways(certificates) == [
        .init(
          certificates: .init(
            patterns: [
              .subject("CN=a,O=b"), .commonName("a"), .dns("*.a.example"), .dns("b.example"), .uri("spiffe://a/*"),
              .email("a@b.example"), .key(bytes),
            ], authorities: [bytes]))
      ])
    #expect(
      try ways("{all: {tokens: tokens.txt, certificates: {dns: a.example}}}")
        == [.init(tokens: .any, certificates: .init(patterns: [.dns("a.example")]))])
    #expect(
      try ways(
        "{all: [{tokens: {groups: a}, certificates: true}, {tokens: {names: b}, certificates: {email: a@b.c}}]}",
        top: "tokens: tokens.txt") == [
          .init(tokens: .init(groups: ["a"]), certificates: .any),
          .init(tokens: .init(names: ["b"]), certificates: .init(patterns: [.email("a@b.c")])),
        ])
  }

  @Test(
    "what lets nobody in, or cannot be meant, is a fault at its place",
    arguments: [
      ("{}", "`access` lets nobody in", 7), ("{tokens: true}", "`tokens` names no file", 7),
      ("{tokens: {groups: a}}", "`tokens` names no file", 7),
      ("{certificates: {}}", "`certificates` lets nobody in", 7),
      ("{tokens: {file: tokens.txt, names: []}}", "`tokens` lets nobody in", 7),
      ("{tokens: {file: tokens.txt, names: a b}}", "`a b` cannot be a name", 7),
      ("{all: {tokens: tokens.txt}}", "`all` asks for one thing alone", 7), ("{all: {}}", "`all` asks for nothing", 7),
      ("{certificates: {subject: /CN=a}}", "OpenSSL's old form", 7),
      ("{certificates: {subject: \"CN=a, O=b\"}}", "is no subject", 7),
      ("{certificates: {dns: a.*.example}}", "is no DNS name", 7),
      ("{certificates: {dns: \"*\"}}", "is no DNS name", 7),
      ("{certificates: {uri: \"spiffe://*/a\"}}", "has a `*` where none may be", 7),
      ("{certificates: {uri: \"spiffe://a/**/b\"}}", "has a `*` where none may be", 7),
      ("{certificates: {email: example.org}}", "is no e-mail address", 7),
      ("{certificates: {key: 0f0f}}", "is not `sha256:` and 64 hexadecimal digits", 7),
      ("{certificates: {issuer: a}}", "unknown key `issuer`", 7), ("{token: tokens.txt}", "unknown key `token`", 7),
    ])
  func faults(_ access: String, _ message: String, line: Int) {
    let faults = folder.faults(yaml(access))
    #expect(faults.contains { $0.message.contains(message) && $0.line == line && $0.column > 1 }, "\(faults)")
  }

  @Test("one route has one file of tokens, and a faulty one is reported once for all routes")
  func files() throws {
    try folder.write("other.txt", ConfigurationFolder.wordDigest, mode: 0o600)
    let two = folder.faults(yaml("{tokens: tokens.txt, all: {tokens: other.txt, certificates: true}}"))
    #expect(two.map(\.message) == ["a second file of tokens on one route (the first in line 7)"])
    try folder.write("bad.txt", "a b\n", mode: 0o600)
    let bad = folder.faults(
      yaml("{tokens: bad.txt}") + "\n  /other: {store: {directory: var/other}, access: {tokens: bad.txt}}\n")
    #expect(bad.count == 1 && bad.first?.file == folder.path + "/bad.txt")
  }

  @Test("a list of revoked certificates is a path, or says what becomes of one that is overdue")
  func revocation() throws {
    try folder.write("list.crl", "")
    let path = folder.path + "/list.crl"
    func read(_ crl: String) throws -> Configuration.ClientRevocation? {
      try folder.parse(yaml("{certificates: true}", crl: ", client-crl: \(crl)")).tls.clientRevocation
    }
    #expect(try read("list.crl") == .init(file: path, coverage: .chain, acceptsExpired: false))
    #expect(
      try read("{file: list.crl, check: client, expired: accept}")
        == .init(file: path, coverage: .client, acceptsExpired: true))
    for (crl, word) in [
      ("missing.crl", "cannot read"), ("{check: chain}", "`file`"), ("{file: list.crl, expired: no}", "one of"),
    ] {
      let faults = folder.faults(yaml("{certificates: true}", crl: ", client-crl: \(crl)"))
      #expect(faults.count == 1 && faults.first?.description.contains(word) == true && faults.first?.line == 2)
    }
    let alone = folder.faults(
      yaml("anyone", crl: ", client-crl: list.crl").replacing(", client-ca: certs/dev/clients-ca.pem", with: ""))
    #expect(alone.map(\.message) == ["`client-crl` without `client-ca`: no client is asked for a certificate"])
  }

  @Test("what lines of a token file say behind the hash is read, and what is wrong there is told without the words")
  func lines() throws {
    let digest = ConfigurationFolder.wordDigest
    let file = try TokenFile(
      text: "\(digest) group=ops routes=/a,/b created=2026-01-01 expires=2026-02-03T04:05:06Z # c\n", file: "tokens")
    let holder = try #require(file.holder(of: "secret"))
    #expect(holder.group == "ops" && holder.routes == ["/a", "/b"])
    #expect(holder.expiresAt == WallTime(milliseconds: 1_770_091_506_000))
    for wrong in [
      "group=", "group=a/b", "routes=", "routes=a", "expires=tomorrow", "expires=2026-02-30", "secret-words",
      "secret=words", "group=a group=b",
    ] {
      do throws(ConfigurationFaults) {
        _ = try TokenFile(text: "\(digest) \(wrong)", file: "tokens")
        Issue.record("taken: \(wrong)")
      } catch {
        #expect(error.faults.map(\.line) == [1] && !error.description.contains("words"), "\(error)")
      }
    }
    #expect(try TokenFile(text: "\(digest) revoked=2026-01-01", file: "tokens").holder(of: "secret") == nil)
  }

  @Test("tokens that let nobody in are worth a warning with file and line")
  func warnings() throws {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let file = try TokenFile(
      text: """
        # a comment
        nothing \(empty)
        \(ConfigurationFolder.wordDigest) expires=2026-01-01 routes=/upload-file,/upload-fil
        gone \(String(repeating: "0", count: 64)) revoked=2026-01-01 expires=2026-01-01

        """, file: "tokens")
    let warnings = file.warnings(routes: ["/upload-file"], now: WallTime(milliseconds: 1_800_000_000_000))
    #expect(
      warnings.map(\.line) == [2, 3, 3] && warnings.allSatisfy { $0.severity == .warning && $0.file == "tokens" })
    #expect(warnings[0].message == "the hash of `nothing` is that of nothing at all, and of no token")
    #expect(warnings[1].message == "the token of `backup` expired at 2026-01-01T00:00:00Z")
    #expect(warnings[2].hint == "did you mean `/upload-file`?")
  }
}
