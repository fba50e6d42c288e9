import ConfigurationReading
import Foundation
import Glibc
import GatewayServer
import Testing

@Suite struct ConfigurationFaultTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  /// A file in which nothing is wrong, line by line; a case replaces one of them.
  private static let good = [
    "listen: 127.0.0.1:8443",
    "tls:",
    "  certificate: certs/dev/server.pem",
    "  private-key: certs/dev/server.key",
    "  profile: intermediate",
    "state: var/state",
    "routes:",
    "  /upload-file:",
    "    formats: [bytes, text]",
    "    buffer: {min: 4 KiB, max: 1 MiB}",
    "    limits: {upload: 100 GiB}",
    "    resume-for: 24h",
    "    store: {directory: var/uploads}",
    "memory: 512 MiB",
    "threads: auto",
  ]

  struct Case: CustomTestStringConvertible {
    var line: Int
    var text: String
    var expected: [String]
    var testDescription: String { text }

    init(_ line: Int, _ text: String, _ expected: String...) {
      self.line = line
      self.text = text
      self.expected = expected
    }
  }

  static let cases: [Case] = [
    Case(1, "listen: 8443", "1:9 `listen`: `8443` is not both a host and a port"),
    Case(1, "listen: 127.0.0.1", "1:9 `listen`: `127.0.0.1` is not both a host and a port"),
    Case(1, "listen: 127.0.0.1:65536", "1:9 `listen`: `127.0.0.1:65536` has no port from 0 to 65535"),
    Case(1, "listen: 127.0.0.300:80", "1:9 `listen`: `127.0.0.300` is neither an address nor a host name"),
    Case(1, "listen: ::1:8443", "1:9 `listen`: `::1:8443`: an IPv6 address stands in brackets"),
    Case(1, "listen: \"*:8443\"", "1:9 `listen`: `*:8443` names no host"),
    Case(
      1, "listen: [::1]:8443", "1:10 not YAML: did not find expected node content, while parsing a flow node (line 1)"),
    Case(1, "listen:", "1:8 `listen` has no value"),
    Case(1, "lisen: 127.0.0.1:8443", "1:1 unknown key `lisen` in the file"),
    Case(1, "Listen: 127.0.0.1:8443", "1:1 unknown key `Listen` in the file"),
    Case(1, "listen: {host: a}", "1:1 `listen` has no `address`", "1:10 unknown key `host` in `listen`"),
    Case(1, "listen: 0.0.0.0:8443", "8:3 `/upload-file` has no `access`, and `listen` lets the whole network in"),
    Case(
      1, "\tlisten: a:1",
      "1:1 not YAML: found character that cannot start any token, while scanning for the next token (line 1)"),
    Case(2, "tsl:", "1:1 the file has no `tls`", "2:1 unknown key `tsl` in the file"),
    Case(
      3, "  certificate: certs/dev/none.pem",
      "3:16 `certificate`: cannot read `~/certs/dev/none.pem`: No such file or directory"),
    Case(3, "  certificate: certs/dev", "3:16 `certificate`: `~/certs/dev` is not a file"),
    Case(3, "  certificate: \"\"", "3:16 `certificate`: the path is empty"),
    Case(
      3, "  private-key: certs/dev/server.key", "2:1 `tls` has no `certificate`",
      "4:3 `private-key` stands twice in `tls`, first on line 3"),
    Case(
      4, "  private_key: certs/dev/server.key", "2:1 `tls` has no `private-key`",
      "4:3 unknown key `private_key` in `tls`"),
    Case(4, "", "2:1 `tls` has no `private-key`"),
    Case(5, "  profile: modren", "5:12 `profile`: `modren` is not one of `intermediate`, `modern`"),
    Case(5, "  profile: [modern]", "5:12 `profile` has a list"),
    Case(
      5, "  client-certificate: required",
      "5:23 `client-certificate` without `client-ca`: no certificate could be verified"),
    Case(
      5, "  client-ca: certs/dev/none.pem",
      "5:14 `client-ca`: cannot read `~/certs/dev/none.pem`: No such file or directory"),
    Case(5, "  colour: blue", "5:3 unknown key `colour` in `tls`"),
    Case(
      6, "state: certs/dev/server.pem",
      "6:8 `state`: cannot use `~/certs/dev/server.pem`: `~/certs/dev/server.pem` is not a folder"),
    Case(
      6, "state: certs/dev/server.pem/x",
      "6:8 `state`: cannot use `~/certs/dev/server.pem/x`: `~/certs/dev/server.pem` is not a folder"),
    Case(6, "state: var/uploads/state", "13:24 the folder of `/upload-file` contains the `state` folder"),
    Case(6, "state: ~", "6:8 `state` has no value"),
    Case(8, "  upload-file:", "8:3 the route `upload-file` does not begin with `/`"),
    Case(8, "  /upload//file:", "8:3 the route `/upload//file` has an empty segment"),
    Case(8, "  /upload-file/:", "8:3 the route `/upload-file/` has an empty segment"),
    Case(8, "  /a/../b:", "8:3 the route `/a/../b` has a segment `..`"),
    Case(8, "  /größe:", "8:3 the route `/größe` has a character that routes cannot have"),
    Case(9, "    formats: []", "9:14 `formats` is empty: nothing could be uploaded"),
    Case(9, "    formats: [bytes, txt]", "9:22 `formats`: `txt` is not one of `bytes`, `text`, `json`"),
    Case(9, "    formats: [bytes, bytes]", "9:22 `formats` has `bytes` twice"),
    Case(9, "    formats:", "9:13 `formats` has no value"),
    Case(10, "    buffer: {min: 4 K, max: 1 MiB}", "10:19 `min`: `4 K` may mean powers of 1000 or of 1024"),
    Case(10, "    buffer: {min: 2 MiB, max: 1 MiB}", "10:19 `min` is above `max`"),
    Case(10, "    buffer: {max: 1.5 MiB}", "10:19 `max`: `1.5 MiB` is a fraction"),
    Case(10, "    buffer: {min: -1}", "10:19 `min`: `-1` is not a size"),
    Case(10, "    buffer: {min: 0}", "10:19 `min`: `0` is out of range"),
    Case(10, "    buffer: 4 KiB", "10:13 `buffer` has a single value where keys and values belong"),
    Case(10, "    bufer: {min: 4 KiB}", "10:5 unknown key `bufer` in `/upload-file`"),
    Case(
      11, "    limits: {upload: 2 TiB}", "11:22 `upload` is above `held` (1 TiB): such an upload could never be taken"),
    Case(11, "    limits: {upload: 9000000000 GiB}", "11:22 `upload`: `9000000000 GiB` is more than 2^63-1 bytes"),
    Case(11, "    limits: {payload: 1 GiB, upload: 1 MiB}", "11:23 `payload` is above `upload` (1 MiB)"),
    Case(11, "    limits: {concurrent: 0}", "11:26 `concurrent`: `0` is not a number from 1 to 1000000"),
    Case(11, "    limits: {uplaod: 1 GiB}", "11:14 unknown key `uplaod` in `limits`"),
    Case(11, "    limits: {upload: 1 GiB, upload: 2 GiB}", "11:29 `upload` stands twice in `limits`, first on line 11"),
    Case(11, "    limits: {window: 1 GiB}", "11:22 `window` has a single value where keys and values belong"),
    Case(11, "    limits: {window: {bytes: 1 GiB}}", "11:14 `window` has no `every`"),
    Case(11, "    limits: {window: {every: 1h}}", "11:14 `window` has no `bytes`"),
    Case(11, "    limits: {window: {bytes: 1, every: 500ms}}", "11:40 `every`: `500ms` is out of range"),
    Case(11, "    limits: {bandwidth: 1 MiB}", "11:25 `bandwidth`: `1 MiB` is not a size a second"),
    Case(11, "    limits: {bandwidth: 1 KiB/s}", "11:25 `bandwidth`: `1 KiB` is out of range"),
    Case(11, "    client-limits: {bandwidth: 1 M/s}", "11:32 `bandwidth`: `1 M` may mean powers of 1000 or of 1024"),
    Case(11, "    client-limits: {room: 0%}", "11:27 `room`: `0%` is not a share from `1%` to `100%`"),
    Case(11, "    client-limits: {room: 25}", "11:27 `room`: `25` is not a share from `1%` to `100%`"),
    Case(11, "    client-limits: {upload: 1 GiB}", "11:21 unknown key `upload` in `client-limits`"),
    Case(11, "    client-limits: {concurrent: 0}", "11:33 `concurrent`: `0` is not a number from 1 to 1000000"),
    Case(11, "    http: {key: true}", "11:12 unknown key `key` in `http`"),
    Case(11, "    http: {remove-complete: yes}", "11:29 `remove-complete`: `yes` is neither `true` nor `false`"),
    Case(11, "    on-quota: part", "11:15 `on-quota`: `part` is not one of `partial`, `refuse`"),
    Case(11, "    streams: yes", "11:14 `streams`: `yes` is neither `true` nor `false`"),
    Case(11, "    access: anybody", "11:13 `access`: `anybody` is not `anyone`"),
    Case(11, "    access: {}", "11:5 `access` lets nobody in"),
    Case(
      11, "    access: {certificates: true}",
      "11:28 `certificates: true` without `client-ca`: the listener asks no client for one"),
    Case(11, "    access: {certificates: false}", "11:5 `access` lets nobody in"),
    Case(11, "    access: {tokens: none.txt}", "11:22 `tokens`: cannot read `~/none.txt`: No such file or directory"),
    Case(12, "    resume-for: 24", "12:17 `resume-for`: `24` has no unit"),
    Case(12, "    resume-for: 24 hours", "12:17 `resume-for`: `24 hours` is not a duration"),
    Case(12, "    resume-for: 0s", "12:17 `resume-for`: `0s` is out of range"),
    Case(12, "    resume-for: 400d", "12:17 `resume-for`: `400d` is out of range"),
    Case(12, "    formats: [json]", "12:5 `formats` stands twice in `/upload-file`, first on line 9"),
    Case(13, "", "8:3 `/upload-file` has neither `store` nor `pipe`"),
    Case(13, "    store:", "13:11 `store` has no value where keys and values belong"),
    Case(13, "    store: {directory: \"a\\0b\"}", "13:24 `directory`: a path has no NUL"),
    Case(
      6, "state: certs/dev/server.pem/x/y",
      "6:8 `state`: cannot use `~/certs/dev/server.pem/x/y`: `~/certs/dev/server.pem` is not a folder"),
    Case(13, "    store: {}", "13:5 `store` has no `directory`"),
    Case(
      13, "    store: {directory: certs}", "13:24 the folder of `/upload-file` contains the server's certificate",
      "13:24 the folder of `/upload-file` contains the server's private key"),
    Case(
      13, "    store: {directory: .}", "13:24 the folder of `/upload-file` contains the `state` folder",
      "13:24 the folder of `/upload-file` contains the server's certificate",
      "13:24 the folder of `/upload-file` contains the server's private key"),
    Case(13, "    store: {directory: var}", "13:24 the folder of `/upload-file` contains the `state` folder"),
    Case(13, "    store: {directory: var/state}", "13:24 the folder of `/upload-file` contains the `state` folder"),
    Case(
      13, "    store: {directory: tokens.txt}",
      "13:24 `directory`: cannot use `~/tokens.txt`: `~/tokens.txt` is not a folder"),
    Case(13, "    store: {bucket: x, directory: var/u}", "13:13 unknown key `bucket` in `store`"),
    Case(14, "memory: 1 MB and more", "14:9 `memory`: `1 MB and more` is not a size"),
    Case(14, "memory: 1", "14:9 `memory`: `1` is out of range"),
    Case(14, "window: 1 GiB", "14:9 `window` is above `memory` (512 MiB)"),
    Case(14, "state: var/other", "14:1 `state` stands twice in the file, first on line 6"),
    Case(14, "timeouts: {idle: 0s}", "14:18 `idle`: `0s` is out of range"),
    Case(
      14, "log: {level: warn}",
      "14:14 `level`: `warn` is not one of `trace`, `debug`, `info`, `notice`, `warning`, `error`, `critical`"),
    Case(14, "timeouts: {progress: 64 KiB}", "14:22 `progress`: `64 KiB` is no size in a time"),
    Case(14, "timeouts: {progress: 64 KiB per 1d}", "14:22 `progress`: `1d` is out of range"),
    Case(14, "timeouts: {upload: 10}", "14:20 `upload`: `10` has no unit"),
    Case(14, "handshakes: 100", "14:13 `handshakes`: `100` is no number in each second"),
    Case(14, "handshakes: 0/s", "14:13 `handshakes`: `0` is not a number from 1 to 1000000"),
    Case(
      14, "per-address: {connections: 5000}", "14:28 `connections` is above that of all addresses together (4096)"),
    Case(14, "per-address: {handshake: 1/s}", "14:15 unknown key `handshake` in `per-address`"),
    Case(
      14, "per-address: {except: 10.0.0.1/8}",
      "14:23 `except`: `10.0.0.1/8` names an address"
        + ", and a range that it does not begin"),
    Case(14, "connections: 1_000", "14:14 `connections`: `1_000` is not a number from 1 to 1000000"),
    Case(14, "\"unclosed", "15:14 not YAML: found unexpected end of stream, while scanning a quoted scalar (line 14)"),
    Case(15, "threads: 0", "15:10 `threads`: `0` is neither `auto` nor a number from 1 to 1024"),
    Case(15, "threads: 010", "15:10 `threads`: `010` is neither `auto` nor a number from 1 to 1024"),
  ]

  @Test("each fault is reported at its line and column, and no other beside it", arguments: cases)
  func place(_ bad: Case) {
    var lines = Self.good
    lines[bad.line - 1] = bad.text
    let faults = folder.faults(lines.joined(separator: "\n"))
    let said = faults.map { "\($0.line):\($0.column) \($0.message)".replacing(folder.path, with: "~") }
    #expect(said == bad.expected)
    #expect(faults.allSatisfy { $0.file == "sluice.yaml" })
    #expect(faults.allSatisfy { !$0.hint.isEmpty })
  }

  @Test(
    "a size with a fraction is told as the whole number that it is",
    arguments: [
      ("1.5 KiB", "write `1536 B`"), ("1.5 MiB", "write `1536 KiB`"), ("0.5GiB", "write `512 MiB`"),
      ("2.0 MiB", "write `2 MiB`"), ("1.5 MB", "write `1500 KB`"), ("0.001 KB", "write `1 B`"),
      ("0.3 KiB", "write a whole number of a smaller unit"), ("1.5", "write a whole number of a smaller unit"),
      ("1.5.5 KiB", "write a whole number of a smaller unit"),
      ("9999999999.5 TiB", "write a whole number of a smaller unit"),
    ])
  func fractions(text: String, hint: String) throws {
    let yaml = """
      tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
      memory: \(text)
      routes: {/a: {store: {directory: a}}}
      """
    #expect(folder.faults(yaml).map(\.hint) == [hint])
  }

  @Test("a byte order mark in front is none of the text's; other encodings are told by their name or line")
  func encodings() throws {
    let yaml =
      "tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}\nroutes: {/a: {store: {directory: a}}}\n"
    let path = folder.path + "/marked.yaml"
    func faults(_ bytes: Data) throws -> [ConfigurationFault] {
      try bytes.write(to: URL(filePath: path))
      do throws(ConfigurationFaults) {
        _ = try Configuration.load(path: path)
        return []
      } catch { return error.faults }
    }
    #expect(try faults(Data([0xEF, 0xBB, 0xBF]) + Data(yaml.utf8)).isEmpty)
    for encoding in [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32] {
      let marks: [String.Encoding: [UInt8]] = [.utf16LittleEndian: [0xFF, 0xFE], .utf16BigEndian: [0xFE, 0xFF]]
      let text = try #require(yaml.data(using: encoding))
      let bytes = Data(marks[encoding] ?? []) + text
      #expect(try faults(bytes).map(\.message) == ["is UTF-16 or UTF-32 text"], "\(encoding)")
    }
    let broken = try faults(Data(yaml.utf8) + Data([0x23, 0xE9, 0x0A]))
    #expect(broken.map(\.message) == ["is not UTF-8 text: line 3"])
    let tokens = folder.path + "/marked-tokens"
    try (Data([0xEF, 0xBB, 0xBF]) + Data(ConfigurationFolder.wordDigest.utf8)).write(to: URL(filePath: tokens))
    chmod(tokens, 0o600)
    let directory = try TokenFile(path: tokens)
    #expect(directory.name(of: "secret") == "backup")
  }
}
