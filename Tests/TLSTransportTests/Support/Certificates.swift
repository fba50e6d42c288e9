import Foundation
import Synchronization
import TLSTransport

/// Certificates that `certs/make` made for this run of the tests.
struct Certificates: Sendable {
  let directory: String

  /// The authority, server and client that most tests use.
  static let ours = Certificates(names: ["upload.test"])
  /// Another set, signed by authorities that nobody trusts.
  static let strangers = Certificates(names: [])

  var ca: String { path("ca.pem") }
  var server: String { path("server.pem") }
  var serverKey: String { path("server.key") }
  var clientsCA: String { path("clients-ca.pem") }
  var clientIdentity: TLSClientConfiguration.Identity {
    .init(certificateChainFile: path("client.pem"), privateKeyFile: path("client.key"))
  }

  func path(_ name: String) -> String { directory + "/" + name }

  private init(names: [String]) {
    directory = NSTemporaryDirectory() + "sluice-tls-tests-" + UUID().uuidString
    madeDirectories.withLock { $0.append(directory) }
    atexit {
      for directory in madeDirectories.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: directory) }
    }
    let (status, said) = run(Self.script, [directory] + names)
    precondition(status == 0, "certs/make failed: \(said)")
  }

  static let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "certs/make").path

  func serverContext(
    profile: TLSProfile = .intermediate, alpn: [String] = [],
    clients: TLSServerConfiguration.ClientCertificates = .none
  ) throws -> TLSContext {
    try TLSContext(
      server: .init(
        certificateChainFile: server, privateKeyFile: serverKey, profile: profile, applicationProtocols: alpn,
        clientCertificates: clients))
  }

  func clientContext(
    trust: TLSClientConfiguration.ServerTrust? = nil, identity: TLSClientConfiguration.Identity? = nil,
    profile: TLSProfile = .intermediate, alpn: [String] = []
  ) throws -> TLSContext {
    try TLSContext(
      client: .init(
        trust: trust ?? .caFile(ca), identity: identity, profile: profile, applicationProtocols: alpn))
  }
}

private let madeDirectories = Mutex<[String]>([])
