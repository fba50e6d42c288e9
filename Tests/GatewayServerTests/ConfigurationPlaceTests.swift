import ConfigurationReading
import Foundation
import GatewayCore
import GatewayServer
import Testing

@Suite struct ConfigurationPlaceTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private func yaml(first: String, second: String, access: String = "anyone") -> String {
    """
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
    state: var/state
    routes:
      /first:
        store: {directory: \(first)}
      /second:
        access: \(access)
        store: {directory: \(second)}
    """
  }

  @Test(
    "two routes may not share a folder, however it is written",
    arguments: ["var/a", "./var/a", "var/./a", "var/b/../a", "var//a", "var/a/", "link/a"])
  func shared(_ second: String) throws {
    try folder.write("var/here", "")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: folder.path + "/var")
    let faults = folder.faults(yaml(first: "var/a", second: second))
    #expect(faults.map(\.message) == ["`/second` would store into the folder of `/first` (line 5)"])
    #expect(faults.map(\.line) == [8])
  }

  @Test("a store may not contain another, whichever comes first")
  func nested() {
    #expect(folder.faults(yaml(first: "var/a", second: "var/a/b")).map(\.line) == [5])
    #expect(folder.faults(yaml(first: "var/a/b", second: "var/a")).map(\.line) == [8])
  }

  @Test("a folder whose name only begins like another's is another")
  func beside() throws {
    #expect(try folder.parse(yaml(first: "var/a", second: "var/ab")).routes.count == 2)
    #expect(try folder.parse(yaml(first: "var/state-of-things", second: "var/state/uploads")).routes.count == 2)
  }

  @Test("a store may not contain the state folder, tokens, or the configuration")
  func neighbours() throws {
    #expect(
      folder.faults(yaml(first: "var/a", second: "var")).map(\.message).contains(
        "the folder of `/second` contains the `state` folder"))
    try folder.write("secrets/tokens", ConfigurationFolder.wordDigest, mode: 0o600)
    #expect(
      folder.faults(yaml(first: "var/a", second: "secrets", access: "{tokens: secrets/tokens}")).map(\.message)
        == ["the folder of `/second` contains a file of tokens"])
    try folder.write("etc/sluice.yaml", yaml(first: "var/a", second: ".").replacing("certs", with: "../certs"))
    do throws(ConfigurationFaults) {
      _ = try Configuration.load(path: folder.path + "/etc/sluice.yaml")
      Issue.record("loaded")
    } catch {
      #expect(error.faults.map(\.message).contains("the folder of `/second` contains this configuration"))
    }
  }

  @Test("folders need not exist, and looking at a configuration creates none of them")
  func missing() throws {
    _ = try folder.parse(yaml(first: "var/deep/a", second: "var/deep/b"))
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/var"))
  }

  @Test("a default state folder that cannot be is a fault too")
  func defaultState() throws {
    try folder.write("var", "a file in the folder's place")
    let faults = folder.faults(
      """
      tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
      routes: {/a: {store: {directory: uploads}}}
      """)
    #expect(faults.count == 1)
    #expect(faults.first?.message.contains("is not a folder") == true)
  }

  @Test("without looking at files, a configuration of another machine can be read")
  func textAlone() throws {
    let yaml = yaml(first: "/elsewhere/a", second: "/elsewhere/b", access: "{tokens: none}")
      .replacing("certs/dev", with: "/elsewhere")
    let configuration = try Configuration.parse(yaml, file: "x", base: folder.path, checkingFiles: false)
    #expect(configuration.routes.last?.route.access.takesAnyone == false)
  }
}
