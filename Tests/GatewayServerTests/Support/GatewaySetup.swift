import GatewayServer

/// What a test's gateway is told; everything else has its default.
struct GatewaySetup: Sendable {
  var port = 0
  /// What `listen` has in place of the port alone; `PORT` in it stands for that.
  var listen = "127.0.0.1:PORT"
  /// Whether clients are asked for a certificate, as `client-certificate` says it; nil: they are not.
  var clientCertificate: String?
  /// Who vouches for clients; nil: the authority of ``TestCertificates``.
  var clientCA: String?
  /// The server's certificate and its key; nil: those of ``TestCertificates``.
  var certificate: (chain: String, key: String)?
  /// More of the inside of `tls`, with a comma in front.
  var tlsMore = ""
  var routes = GatewaySetup.plainRoute()
  /// The inside of `timeouts`; without a word of `drain` in it there is none.
  var timeouts = ""
  /// More lines of the file's top level.
  var more = ""
  var logLevel = "trace"
  /// The folder of the ledger.
  var state = "state"

  /// A route that stores into the folder `uploads`, with more of its keys.
  static func plainRoute(_ more: String = "") -> String {
    "  /upload-file: {store: {directory: uploads}\(more.isEmpty ? "" : ", " + more)}\n"
  }

  var yaml: String {
    let certificates = TestCertificates.ours
    let (chain, key) = certificate ?? (certificates.server, certificates.serverKey)
    var tls = "certificate: \(chain), private-key: \(key)"
    if let clientCertificate {
      tls += ", client-ca: \(clientCA ?? certificates.clientsCA), client-certificate: \(clientCertificate)"
    }
    return """
      listen: \(listen.split(separator: "PORT", omittingEmptySubsequences: false).joined(separator: "\(port)"))
      tls: {\(tls)\(tlsMore)}
      state: \(state)
      threads: 2
      log: {level: \(logLevel)}
      timeouts: {\(timeouts.contains("drain:") ? timeouts : timeouts.isEmpty ? "drain: 0s" : timeouts + ", drain: 0s")}
      \(more)
      routes:
      \(routes)
      """
  }

  func configuration(in folder: GatewayFolder) throws -> Configuration {
    try Configuration.parse(yaml, file: "test.yaml", base: folder.path)
  }
}
