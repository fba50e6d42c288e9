import ConfigurationReading
import Foundation
import GatewayServer
import Testing

/// A folder with what a configuration usually names, for the length of one test.
final class ConfigurationFolder {
  let path: String
  /// Its path without links, as the loader compares places.
  var url: URL { URL(fileURLWithPath: path) }

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("configuration-" + UUID().uuidString)
    path = url.resolvingSymlinksInPath().path
    try write("certs/dev/server.pem", "")
    try write("certs/dev/server.key", "")
    try write("certs/dev/clients-ca.pem", "")
    try write("certs/dev/clients.crl", "")
    try write("certs/dev/ca.pem", "")
    try write("catalogue.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", mode: 0o600)
    try write("bin/audit", "#!/bin/sh\n", mode: 0o755)
    try write(
      "tokens.txt", "# none is known by more than its digest\n\(Self.wordDigest) # the word `secret`\n", mode: 0o640)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The line of a token file that lets `secret` in as `backup`.
  static let wordDigest = "backup 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

  func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
  }

  func parse(_ yaml: String) throws(ConfigurationFaults) -> Configuration {
    try Configuration.parse(yaml, file: "sluice.yaml", base: path)
  }

  /// The faults of a text that must have some.
  func faults(_ yaml: String) -> [ConfigurationFault] {
    do throws(ConfigurationFaults) {
      _ = try parse(yaml)
      Issue.record("loaded without a fault:\n\(yaml)")
      return []
    } catch {
      return error.faults
    }
  }
}

/// Files of the repository that are tested like code.
enum RepositoryFile {
  static func url(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent(name)
  }

  static func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: url(name)), as: UTF8.self)
  }

  /// What stands between the fences of the text's YAML blocks.
  static func yamlBlocks(_ name: String) throws -> [String] {
    try text(name).components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```\n")[0] }
  }
}
