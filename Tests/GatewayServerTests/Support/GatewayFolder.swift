import Foundation
import Synchronization

/// A folder of one test: what a gateway keeps, and what clients send. Gone when the test lets go of it.
final class GatewayFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "sluice-gateway-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try write("tokens", Token.alice.line + Token.bob.line, mode: 0o600)
  }

  deinit {
    // A test may have taken rights away.
    chmod(uploads, 0o700)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Where the first route stores.
  var uploads: String { path + "/uploads" }
  var partial: String { uploads + "/.partial" }
  var ledger: String { path + "/state/ledger.sqlite" }

  @discardableResult
  func write(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
    try write(name, Data(text.utf8), mode: mode)
  }

  @discardableResult
  func write(_ name: String, _ bytes: Data, mode: Int = 0o644) throws -> String {
    let file = path + "/" + name
    try bytes.write(to: URL(filePath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  /// The names in a folder, without those that begin with a dot.
  func names(in folder: String) -> Set<String> {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return Set(all.filter { !$0.hasPrefix(".") })
  }
}

/// A bearer token and what the file of tokens says of it.
struct Token: Sendable {
  let name: String
  let secret: String
  let digest: String

  var line: String { "\(name) \(digest)\n" }

  static let alice = Token(
    name: "alice", secret: "alice-token-0123456789",
    digest: "965b04f03a8200d4bff70f6df635c1d4d3e9c9a1d164d415efc95b9304bfbaf2")
  static let bob = Token(
    name: "bob", secret: "bob-token-9876543210",
    digest: "ee680d5aa24b524c467094b7b7c8f8b5df9bd8c0f116b652a8466030907aa08a")
}

/// Certificates that `certs/make` made for this run of the tests.
struct TestCertificates: Sendable {
  /// The set that gateways and their clients use.
  static let ours = TestCertificates()
  /// Another set, signed by authorities that nobody trusts.
  static let strangers = TestCertificates()

  let directory: String
  var ca: String { directory + "/ca.pem" }
  var server: String { directory + "/server.pem" }
  var serverKey: String { directory + "/server.key" }
  var clientsCA: String { directory + "/clients-ca.pem" }
  var client: String { directory + "/client.pem" }
  var clientKey: String { directory + "/client.key" }

  private init() {
    directory = NSTemporaryDirectory() + "sluice-gateway-certificates-" + UUID().uuidString
    madeDirectories.withLock { $0.append(directory) }
    atexit {
      for directory in madeDirectories.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: directory) }
    }
    let process = Process()
    process.executableURL = RepositoryFile.url("certs/make")
    process.arguments = [directory]
    process.standardOutput = FileHandle.nullDevice
    do { try process.run() } catch { preconditionFailure("certs/make cannot be run: \(error)") }
    process.waitUntilExit()
    precondition(process.terminationStatus == 0, "certs/make failed")
  }
}

private let madeDirectories = Mutex<[String]>([])
