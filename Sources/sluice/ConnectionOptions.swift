import ArgumentParser
import FoundationEssentials
import TLSTransport
import XStream
import XStreamClient

/// Whom a client command trusts, and who it is.
struct ConnectionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Trust the authorities in this PEM file, not the system's.", valueName: "file"))
  var ca: String?

  @Option(help: ArgumentHelp("Show this client certificate: a PEM file, with --key.", valueName: "file"))
  var cert: String?

  @Option(help: ArgumentHelp("The client certificate's private key: a PEM file, not encrypted.", valueName: "file"))
  var key: String?

  @Option(
    help: ArgumentHelp(
      "A bearer token. Other users can see it in the process list: prefer --token-file or SLUICE_TOKEN.",
      valueName: "token"))
  var token: String?

  @Option(
    help: ArgumentHelp(
      "Read the bearer token from the first line of this file. Without it, and without --token, the environment's "
        + "SLUICE_TOKEN counts.", valueName: "file"))
  var tokenFile: String?

  @Flag(help: "Do not verify the server's certificate: anybody in between can read and change everything.")
  var insecureNoVerification = false

  func validate() throws {
    guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key belong together.") }
    guard ca == nil || !insecureNoVerification else {
      throw ValidationError("--ca has no effect with --insecure-no-verification.")
    }
    guard token == nil || tokenFile == nil else {
      throw ValidationError("--token and --token-file exclude each other.")
    }
  }

  /// A client as the options say.
  ///
  /// - Throws: ``ExitStatus/refused``, after a message.
  func client() throws -> UploadClient {
    do {
      return try UploadClient(configuration())
    } catch let error as ExitCode {
      throw error
    } catch {
      Console.error("sluice: \(error)")
      throw ExitStatus.refused
    }
  }

  /// What the options say.
  ///
  /// - Throws: ``ExitStatus/refused``, after a message.
  func configuration() throws -> ClientConfiguration {
    var configuration = ClientConfiguration()
    if insecureNoVerification {
      configuration.trust = .insecureNoVerification
    } else if let ca {
      configuration.trust = .caFile(ca)
    }
    if let cert, let key {
      configuration.identity = .init(certificateChainFile: cert, privateKeyFile: key)
    }
    configuration.token = try bearer()
    return configuration
  }

  private func bearer() throws -> String? {
    var text = token ?? ProcessInfo.processInfo.environment["SLUICE_TOKEN"]
    var place = token == nil ? "SLUICE_TOKEN" : "--token"
    if let tokenFile {
      place = tokenFile
      guard let content = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
        Console.error("sluice: \(tokenFile): the token cannot be read")
        throw ExitStatus.refused
      }
      text = content.split(whereSeparator: \.isNewline).first.map { String($0) }
    }
    guard let text, !text.isEmpty || tokenFile != nil else { return nil }
    guard case .bearer = Authorization("Bearer \(text)") else {
      Console.error("sluice: \(place): a token has letters, digits and -._~+/ only, and = at its end")
      throw ExitStatus.refused
    }
    return text
  }
}

extension XStreamURL {
  /// Reads a URL from the command line.
  static func argument(_ text: String) throws -> XStreamURL {
    do { return try XStreamURL(text) } catch { throw ValidationError(error.description) }
  }
}
