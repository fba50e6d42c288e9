import ArgumentParser
import FoundationEssentials
import NIOPosix
import TLSTransport
import XStream
import XStreamClient

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

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

  /// For an event loop, signals, a name to look up, a file to send and what is kept of it.
  private static let descriptors = 24

  /// A client as the options say.
  ///
  /// - Throws: ``ExitStatus/refused``, after a message.
  func client() throws -> UploadClient {
    try EventLoops.requireRoom(for: Self.descriptors)
    do {
      // One loop is enough for one upload at a time, and has few descriptors.
      return try UploadClient(configuration(), group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
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
      // Once: it may be a pipe, as from a shell's <(…).
      guard let content = Self.read(tokenFile) else {
        Console.error("sluice: \(tokenFile): the token cannot be read: \(String(cString: strerror(errno)))")
        throw ExitStatus.refused
      }
      text = content.split(whereSeparator: \.isNewline).first.map { String($0) } ?? ""
    }
    guard let text, !text.isEmpty || tokenFile != nil else { return nil }
    guard case .bearer = Authorization("Bearer \(text)") else {
      Console.error("sluice: \(place): a token has letters, digits and -._~+/ only, and = at its end")
      throw ExitStatus.refused
    }
    return text
  }
}

extension ConnectionOptions {
  /// The first bytes of a file, without a byte order mark; nil with errno.
  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        readBytes(descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      filled += count
    }
    var content = bytes[..<filled]
    if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
    return String(decoding: content, as: UTF8.self)
  }

  /// An error with what the options could do about it.
  func description(of error: UploadError) -> String {
    switch error.remedy {
    case .authority where insecureNoVerification: "\(error)"
    case .authority:
      "\(error) "
        + (ca == nil ? "Name that authority's certificate with --ca FILE." : "The file of --ca does not have it.")
    case .certificate: "\(error) Give it with --cert FILE and --key FILE."
    case .credentials:
      "\(error) Give a token with --token-file FILE or in SLUICE_TOKEN, or a certificate with --cert FILE and --key FILE."
    case nil: "\(error)"
    }
  }
}

extension XStreamURL {
  /// Reads a URL from the command line.
  static func argument(_ text: String) throws -> XStreamURL {
    do { return try XStreamURL(text) } catch { throw ValidationError(error.description) }
  }
}

extension UploadURL {
  /// Reads the URL, which is the last word of a command line.
  static func last(of words: [String]) throws -> UploadURL {
    let text = words.last ?? ""
    do { return try UploadURL(text) } catch {
      let isURL = { (word: String) in ["xstream://", "https://"].contains { word.lowercased().hasPrefix($0) } }
      if !text.contains("://"), let url = words.dropLast().first(where: isURL) {
        throw ValidationError("The URL has to be the last word: write \(url) behind the others.")
      }
      throw ValidationError(error.description)
    }
  }
}

/// `read`, which within the type means its own.
private func readBytes(_ descriptor: CInt, _ memory: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, memory.baseAddress, memory.count)
}
