import ConfigurationReading
import Forwarders
import GatewayCore
@testable import GatewayServer
import Testing

@Suite struct ConfigurationStoreTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private func yaml(_ store: String, check: String = "false") -> String {
    """
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
    routes:
      /in:
        check: \(check)
        store: {directory: var/uploads\(store)}
    """
  }

  @Test("a store's options arrive as they were written")
  func values() throws {
    let options = ", gzip: 9, count: stored, name: \"{date}/{name}-{key}\", metadata: sidecar, min-free: 10 GiB"
    let entry = try #require(try folder.parse(yaml(options, check: "true")).routes.first)
    #expect(entry.route.countsStored)
    #expect(
      entry.destination
        == .directory(
          DirectoryStore.Settings(
            directory: folder.path + "/var/uploads", engine: .zlib(level: 9),
            name: try NameTemplate(parsing: "{date}/{name}-{key}"), metadata: .sidecar, minFree: 10 << 30,
            checksContent: true)))
    let plain = try #require(try folder.parse(yaml("")).routes.first)
    #expect(!plain.route.countsStored)
    #expect(plain.destination == .directory(DirectoryStore.Settings(directory: folder.path + "/var/uploads")))
  }

  @Test(
    "a store's options are refused where they make no sense",
    arguments: [
      (", gzip: 0", "`gzip`: `0` is neither `fast` nor a number from 1 to 9"),
      (", gzip: 10", "`10` is neither `fast` nor"), (", gzip: true", "`true` is neither `fast` nor"),
      (", count: both", "`count`: `both` is not one of"),
      (", name: \"{name}\"", "has no `{key}`"), (", name: \"../{key}\"", "begins with a dot"),
      (", name: \"/{key}\"", "is an absolute path"), (", metadata: yes", "`metadata`: `yes` is not one of"),
      (", min-free: 10G", "may mean powers of 1000 or of 1024"), (", gzp: 1", "unknown key `gzp`"),
    ])
  func faults(_ options: String, _ words: String) {
    let error = #expect(throws: (any Error).self) { try folder.parse(yaml(options)) }
    #expect("\(error.map { String(describing: $0) } ?? "")".contains(words))
  }

  @Test("`gzip: fast` is ISA-L where it was built in, and else a fault that says what to do")
  func fast() throws {
    #if ISAL
      let entry = try #require(try folder.parse(yaml(", gzip: fast")).routes.first)
      let settings = DirectoryStore.Settings(directory: folder.path + "/var/uploads", engine: .igzip)
      #expect(entry.destination == .directory(settings))
    #else
      let error = #expect(throws: (any Error).self) { try folder.parse(yaml(", gzip: fast")) }
      let words = error.map { String(describing: $0) } ?? ""
      #expect(words.contains("`fast` needs ISA-L"))
      #expect(words.contains("package trait ISAL"))
    #endif
  }
}
