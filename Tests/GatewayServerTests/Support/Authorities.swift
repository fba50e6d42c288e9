import Foundation
import NIOCore
import TLSTransport
import Testing
import XStreamClient

/// Two authorities of one name, `first` and `second`, and what they sign. One file of `client-ca` has both.
final class Authorities {
  let folder: GatewayFolder

  init(_ folder: GatewayFolder) throws {
    self.folder = folder
    for name in ["first", "second"] {
      try run(
        [
          "req", "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", path(name + ".key"), "-out",
          path(name + ".pem"),
        ] + Self.newKey)
      try folder.write(name + ".index", "")
      try folder.write(
        name + ".cnf",
        "[ca]\ndefault_ca=d\n[d]\ndatabase=\(path(name + ".index"))\ndefault_md=sha256\ndefault_crl_days=1\n")
    }
    let both = try ["first.pem", "second.pem"].map { try String(contentsOfFile: path($0), encoding: .utf8) }.joined()
    try folder.write("clients-ca.pem", both)
  }

  private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

  func path(_ name: String) -> String { folder.path + "/" + name }

  /// A certificate of its own.
  func identity(
    _ subject: String, _ alternatives: String? = nil, by authority: String = "first"
  ) throws -> TLSClientConfiguration.Identity {
    let name = UUID().uuidString
    try run(
      ["req", "-new", "-subj", subject, "-keyout", path(name + ".key"), "-out", path(name + ".csr")] + Self.newKey)
    let names = alternatives.map { "subjectAltName=\(subject == "/" ? "critical," : "")\($0)\n" } ?? ""
    try folder.write(name + ".cnf", names + "extendedKeyUsage=clientAuth\n")
    try run([
      "x509", "-req", "-days", "2", "-in", path(name + ".csr"), "-CA", path(authority + ".pem"), "-CAkey",
      path(authority + ".key"), "-set_serial", "\(UInt64.random(in: 1...(.max >> 1)))", "-extfile",
      path(name + ".cnf"),
      "-out", path(name + ".pem"),
    ])
    return .init(certificateChainFile: path(name + ".pem"), privateKeyFile: path(name + ".key"))
  }

  /// A client that shows a certificate of its own.
  func client(_ subject: String, _ alternatives: String?, by authority: String = "first") throws -> UploadClient {
    try UploadClient(
      ClientConfiguration(
        trust: .caFile(TestCertificates.ours.ca), identity: identity(subject, alternatives, by: authority),
        silenceTimeout: .seconds(20)))
  }

  /// Writes the list of an authority's revoked certificates, with these among them, to `NAME.crl`.
  @discardableResult
  func writeList(_ authority: String = "first", revoking: [TLSClientConfiguration.Identity] = []) throws -> String {
    let own = [
      "-config", path(authority + ".cnf"), "-keyfile", path(authority + ".key"), "-cert", path(authority + ".pem"),
    ]
    for identity in revoking { try run(["ca", "-revoke", identity.certificateChainFile] + own) }
    try run(["ca", "-gencrl", "-out", path(authority + ".crl")] + own)
    return path(authority + ".crl")
  }

  /// SHA-256 of an authority's key in hexadecimal, as `openssl` makes it.
  func pin(of authority: String) throws -> String {
    try run(["x509", "-pubkey", "-noout", "-in", path(authority + ".pem"), "-out", path("pin.pub")])
    try run(["pkey", "-pubin", "-in", path("pin.pub"), "-outform", "DER", "-out", path("pin.der")])
    try run(["dgst", "-sha256", "-r", "-out", path("pin.text"), path("pin.der")])
    return String(try String(contentsOfFile: path("pin.text"), encoding: .utf8).prefix(64))
  }

  private func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl \(arguments)")
  }
}
