import GatewayServer

/// What a test's gateway is told; everything else has its default.
struct GatewaySetup: Sendable {
  var port = 0
  /// Whether clients are asked for a certificate, as `client-certificate` says it; nil: they are not.
  var clientCertificate: String?
  /// Who vouches for clients; nil: the authority of ``TestCertificates``.
  var clientCA: String?
  /// More of the inside of `tls`, with a comma in front.
  var tlsMore = ""
  var routes = GatewaySetup.plainRoute()
  /// The inside of `timeouts`.
  var timeouts = ""
  /// More lines of the file's top level.
  var more = ""
  var logLevel = "trace"
  /// The folder of the ledger.
  var state = "state"
  /// The folder of the server's certificate and key; nil: that of ``TestCertificates``.
  var certificateFolder: String?

  /// A route that stores into the folder `uploads`, with more of its keys.
  static func plainRoute(_ more: String = "") -> String {
    "  /upload-file: {store: {directory: uploads}\(more.isEmpty ? "" : ", " + more)}\n"
  }

  var yaml: String {
    let certificates = TestCertificates.ours
    let folder = certificateFolder ?? certificates.directory
    var tls = "certificate: \(folder)/server.pem, private-key: \(folder)/server.key"
    if let clientCertificate {
      tls += ", client-ca: \(clientCA ?? certificates.clientsCA), client-certificate: \(clientCertificate)"
    }
    return """
      listen: 127.0.0.1:\(port)
      tls: {\(tls)\(tlsMore)}
      state: \(state)
      threads: 2
      log: {level: \(logLevel)}
      timeouts: {\(timeouts)}
      \(more)
      routes:
      \(routes)
      """
  }

  func configuration(in folder: GatewayFolder) throws -> Configuration {
    try Configuration.parse(yaml, file: "test.yaml", base: folder.path)
  }
}
