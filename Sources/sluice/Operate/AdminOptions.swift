import ArgumentParser
import ConfigurationReading
import FoundationEssentials
import GatewayServer
import OperatingSystem

/// Which gateway is asked, and as whom.
struct AdminOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The gateway's configuration, which names its admin listener.", valueName: "file"))
  var config: String

  @Option(
    help: ArgumentHelp(
      "An operator's token in the first line of this file, where the listener asks for one; else SLUICE_TOKEN.",
      valueName: "file"))
  var tokenFile: String?

  /// - Throws: `CommandFailure` where the configuration has no listener that this machine can ask without TLS.
  func connection() throws -> AdminConnection {
    let configuration = try LedgerOptions.reading(config) { $0 }
    guard let admin = configuration.admin else {
      throw CommandFailure("\(config) has no admin listener: write `admin: {listen: 127.0.0.1:9090}`, and restart")
    }
    guard !admin.usesTLS else {
      throw CommandFailure(
        "the admin listener \(admin.description) speaks TLS: ask it with a browser, or with curl and an operator's token"
      )
    }
    return AdminConnection(admin, token: admin.tokens == nil ? nil : try token())
  }

  private func token() throws -> String {
    let text: String
    if let tokenFile {
      guard let bytes = FileManager.default.contents(atPath: FileName.ofArgument(tokenFile)) else {
        throw CommandFailure("the token file \(tokenFile) cannot be read")
      }
      text = String(decoding: bytes, as: UTF8.self)
    } else {
      text = ProcessInfo.processInfo.environment["SLUICE_TOKEN"] ?? ""
    }
    let line = text.prefix { !$0.isNewline }
    guard !line.isEmpty, line.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
      throw CommandFailure("the admin listener asks for an operator's token: name a --token-file, or set SLUICE_TOKEN")
    }
    return String(line)
  }
}
