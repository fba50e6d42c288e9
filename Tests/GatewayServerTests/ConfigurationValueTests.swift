import ConfigurationReading
import Testing

@testable import GatewayServer

@Suite struct ConfigurationValueTests {
  @Test(
    "sizes are whole numbers of binary or decimal units",
    arguments: [
      ("0", 0), ("1", 1), ("7 B", 7), ("4 KiB", 4096), ("4KiB", 4096), ("1 MiB", 1 << 20), ("100 GiB", 100 << 30),
      ("1 TiB", 1 << 40), ("3 KB", 3000), ("2 MB", 2_000_000), ("5GB", 5_000_000_000), ("1 TB", 1_000_000_000_000),
      ("9223372036854775807", Int64.max), ("8388607 TiB", 8_388_607 << 40),
    ] as [(String, Int64)])
  func sizes(_ text: String, _ bytes: Int64) throws {
    #expect(try ByteSize.parse(text) == bytes)
  }

  @Test(
    "a size that could be read in two ways, or in none, is refused",
    arguments: [
      "", " ", "1 K", "1M", "1g", "1 kb", "1 Kb", "1 kib", "1 mIB", "-1", "+1", "1.5 GiB", "1,5 GiB", "01", "0x10",
      "1_000",
      "1e3", "KiB", "9223372036854775808", "8388608 TiB", "1 MiBs", "1 MiB ", "1 PiB", "١", "½ GiB", "1 000",
    ])
  func notSizes(_ text: String) {
    #expect(throws: ValueFault.self) { try ByteSize.parse(text) }
  }

  @Test("the hint for an ambiguous size names both of its meanings")
  func ambiguousSize() {
    #expect(
      throws: ValueFault(
        message: "`4m` may mean powers of 1000 or of 1024", hint: "write `4 MiB` (1024) or `4 MB` (1000)")
    ) { try ByteSize.parse("4m") }
  }

  @Test(
    "sizes in messages use the largest unit that fits",
    arguments: [(0, "0 B"), (1000, "1000 B"), (4096, "4 KiB"), (3 << 40, "3 TiB")] as [(Int64, String)])
  func sizeText(_ bytes: Int64, _ text: String) {
    #expect(ByteSize.text(bytes) == text)
  }

  @Test(
    "durations have a unit",
    arguments: [
      ("500ms", 500), ("10s", 10_000), ("10 s", 10_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000),
      ("0s", 0),
    ] as [(String, Int64)])
  func durations(_ text: String, _ milliseconds: Int64) throws {
    #expect(try DurationText.parse(text) == .milliseconds(milliseconds))
  }

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "10", "s", "1.5h", "-1s", "10 sec", "5M", "01s", "9223372036854775807d", "99999999999999999999s", "1h30m",
    ])
  func notDurations(_ text: String) {
    #expect(throws: ValueFault.self) { try DurationText.parse(text) }
  }

  @Test(
    "an address is a host and a port",
    arguments: [
      ("127.0.0.1:8443", "127.0.0.1", 8443, true), ("127.9.9.9:1", "127.9.9.9", 1, true),
      ("localhost:0", "localhost", 0, true),
      ("[::1]:65535", "::1", 65535, true), ("[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, true),
      ("0.0.0.0:80", "0.0.0.0", 80, false), ("[::]:80", "::", 80, false),
      ("upload.example.org:443", "upload.example.org", 443, false),
      ("128.0.0.1:1", "128.0.0.1", 1, false), ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1, false),
      ("[2001:db8::1]:1", "2001:db8::1", 1, false),
    ])
  func addresses(_ text: String, host: String, port: Int, isLoopback: Bool) throws {
    let address = try ListenAddress.parse(text)
    #expect(address == ListenAddress(host: host, port: port))
    #expect(address.isLoopback == isLoopback)
    #expect(address.description == text)
  }

  @Test(
    "what is no address is refused",
    arguments: [
      "", ":", ":80", "*:80", "a", "a:", "a:-1", "a:65536", "a:080", "::1:80", "::1", "[::1]", "[a]:1", "[127.0.0.1]:1",
      "a b:1", "-a:1",
      "1.2.3:1", "1.2.3.4.5:1", "a..b:1", "127.0.0.1:80:80", "http://a:1",
    ])
  func notAddresses(_ text: String) {
    #expect(throws: ValueFault.self) { try ListenAddress.parse(text) }
  }

  @Test(
    "the hint for a bare IPv6 address puts it in brackets",
    arguments: [("::1:8443", "[::1]:8443"), ("2001:db8::1", "[2001:db8::1]:8443")])
  func bareAddress(_ text: String, meant: String) {
    do throws(ValueFault) {
      _ = try ListenAddress.parse(text)
      Issue.record("taken: \(text)")
    } catch {
      #expect(error.hint == "write `\"\(meant)\"`")
    }
  }

  @Test(
    "a route's path has plain segments",
    arguments: ["/a", "/upload-file", "/a/b_c/D.9", "/...", "/" + String(repeating: "x", count: 254)])
  func routePaths(_ text: String) throws {
    #expect(try RoutePath.parse(text) == text)
  }

  @Test(
    "what is no route's path is refused",
    arguments: [
      "", "/", "a", "//", "/a/", "/a//b", "/.", "/a/..", "/a b", "/a?b", "/a%20", "/ä", "/a\\b",
      "/" + String(repeating: "x", count: 255),
    ])
  func notRoutePaths(_ text: String) {
    #expect(throws: ValueFault.self) { try RoutePath.parse(text) }
  }

  @Test(
    "a suggestion is what was probably meant, or nothing",
    arguments: [
      ("uplaod", "upload"), ("hold", "held"), ("Held", "held"), ("private_key", "private-key"),
      ("concurrency", "concurrent"),
      ("quota", nil), ("x", nil), ("", nil),
    ])
  func suggestions(_ word: String, meant: String?) {
    let words = ["upload", "held", "concurrent", "unfinished", "payload", "private-key"]
    #expect(Suggestion.nearest(to: word, among: words) == meant)
  }
}
