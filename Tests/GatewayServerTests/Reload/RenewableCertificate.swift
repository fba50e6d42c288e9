import Foundation

/// A certificate and its key in a test's folder, that may become others.
struct RenewableCertificate {
  let folder: GatewayFolder
  var files: (chain: String, key: String) { (folder.path + "/renewable.pem", folder.path + "/renewable.key") }

  /// One of ``TestCertificates/ours``.
  init(in folder: GatewayFolder) throws {
    self.folder = folder
    try become(.ours)
  }

  /// Writes the files of another set over these, one after the other.
  func become(_ certificates: TestCertificates) throws {
    try write(certificates.server, to: files.chain)
    try write(certificates.serverKey, to: files.key)
  }

  private func write(_ source: String, to file: String) throws {
    try folder.write(URL(filePath: file).lastPathComponent, Data(contentsOf: URL(filePath: source)), mode: 0o600)
  }
}
