import Foundation
import TLSTransport
import Testing

@Suite struct ConfigurationTests {
  let ours = Certificates.ours

  private func context(chain: String? = nil, key: String? = nil) throws -> TLSContext {
    try TLSContext(
      server: .init(certificateChainFile: chain ?? ours.server, privateKeyFile: key ?? ours.serverKey))
  }

  /// A file for one test, removed by the closure's end.
  private func withFile(_ content: String, _ body: (String) throws -> Void) throws {
    let path = ours.path(UUID().uuidString + ".test")
    try content.write(toFile: path, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test("a missing file is named")
  func missing() {
    let path = ours.path("nowhere.pem")
    #expect(throws: TLSConfigurationError.fileMissing(path: path)) { try context(chain: path) }
    #expect(throws: TLSConfigurationError.fileMissing(path: path)) { try context(key: path) }
    #expect(throws: TLSConfigurationError.fileMissing(path: path)) {
      try ours.serverContext(clients: .required(caFile: path))
    }
    #expect(throws: TLSConfigurationError.fileMissing(path: path)) { try ours.clientContext(trust: .caFile(path)) }
  }

  @Test("a directory in place of a file is unreadable")
  func directory() {
    let path = ours.directory
    #expect(throws: TLSConfigurationError.fileUnreadable(path: path, cause: "neither a regular file nor a pipe")) {
      try context(chain: path)
    }
  }

  @Test("authorities may come out of a pipe, as a shell's <(...) is one")
  func pipe() throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data(contentsOf: URL(filePath: ours.ca)))
    try pipe.fileHandleForWriting.close()
    _ = try ours.clientContext(trust: .caFile("/proc/self/fd/\(pipe.fileHandleForReading.fileDescriptor)"))
  }

  @Test("a file without PEM of the right kind is named, with what it should have")
  func notPEM() throws {
    for content in ["certificate", try String(contentsOfFile: ours.serverKey, encoding: .utf8)] {
      try withFile(content) { path in
        #expect(throws: TLSConfigurationError.notPEM(path: path, expected: "certificate")) {
          try context(chain: path)
        }
      }
    }
    for content in ["", "\n \r\n"] {
      try withFile(content) { path in
        #expect(throws: TLSConfigurationError.fileEmpty(path: path)) { try context(chain: path) }
      }
    }
    #expect(throws: TLSConfigurationError.notPEM(path: ours.server, expected: "private key")) {
      try context(key: ours.server)
    }
  }

  @Test("PEM with something else inside is malformed")
  func malformed() throws {
    try withFile("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") { path in
      let error = #expect(throws: TLSConfigurationError.self) { try context(chain: path) }
      guard case .malformed(path, 1, "certificate", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    try withFile("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") { path in
      let error = #expect(throws: TLSConfigurationError.self) { try context(key: path) }
      guard case .malformed(path, 1, "private key", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("a key of another certificate does not match")
  func mismatch() {
    let key = Certificates.strangers.serverKey
    #expect(throws: TLSConfigurationError.keyDoesNotMatch(keyPath: key, certificatePath: ours.server)) {
      try context(key: key)
    }
  }

  @Test("an encrypted key is refused without asking for its password")
  func encrypted() throws {
    let path = ours.path("encrypted.key")
    let made = run("openssl", ["pkey", "-in", ours.serverKey, "-aes128", "-passout", "pass:secret", "-out", path])
    try #require(made.status == 0, "\(made.output)")
    #expect(throws: TLSConfigurationError.privateKeyEncrypted(path: path)) { try context(key: path) }
  }

  @Test("a private key that all users can read is worth a warning")
  func worldReadable() throws {
    #expect(try context().warnings.filter { !$0.isOfProcessor } == [])
    let key = try String(contentsOfFile: ours.serverKey, encoding: .utf8)
    try withFile(key) { path in
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
      #expect(try context(key: path).warnings.filter { !$0.isOfProcessor } == [.privateKeyWorldReadable(path: path)])
    }
  }

  @Test("an expired certificate is worth a warning")
  func expired() throws {
    let path = ours.path("expired.pem")
    let request = ours.path("expired.csr")
    let asked = run("openssl", ["req", "-new", "-key", ours.serverKey, "-subj", "/CN=old", "-out", request])
    try #require(asked.status == 0, "\(asked.output)")
    let made = run(
      "openssl", ["x509", "-req", "-in", request, "-signkey", ours.serverKey, "-days", "-1", "-out", path])
    try #require(made.status == 0, "\(made.output)")
    guard case .certificateExpired(path, _) = try context(chain: path).warnings.first else {
      Issue.record("no warning")
      return
    }
  }

  @Test("certs/make overwrites nothing and makes keys for their owner alone")
  func make() throws {
    let again = run(Certificates.script, [ours.directory])
    #expect(again.status == 1)
    #expect(again.output.contains("ca.pem exists"))
    let attributes = try FileManager.default.attributesOfItem(atPath: ours.serverKey)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }
}

extension TLSConfigurationWarning {
  /// Whether it is of the machine that the tests run on.
  var isOfProcessor: Bool { if case .slowRecords = self { true } else { false } }
}
