import COpenSSL
import Foundation
import Testing

@testable import TLSTransport

/// A certificate of whatever names a test likes, and its key (Ed25519).
final class ForgedCertificate {
  /// One value of a subject.
  struct Part {
    var type: CInt
    var kind: CInt
    var bytes: [UInt8]
    /// Whether it is in one part of the name with the value before it.
    var joined = false

    static func name(
      _ text: String, _ type: CInt = NID_commonName, kind: CInt = V_ASN1_UTF8STRING, joined: Bool = false
    ) -> Part {
      Part(type: type, kind: kind, bytes: Array(text.utf8), joined: joined)
    }
  }

  /// A name of the subject alternative name extension: its tag in DER, and its bytes.
  struct Alternative {
    var tag: UInt8
    var bytes: [UInt8]

    static func dns(_ text: String) -> Alternative { .init(tag: 0x82, bytes: Array(text.utf8)) }
    static func email(_ text: String) -> Alternative { .init(tag: 0x81, bytes: Array(text.utf8)) }
    static func uri(_ text: String) -> Alternative { .init(tag: 0x86, bytes: Array(text.utf8)) }
    static func ip(_ bytes: [UInt8]) -> Alternative { .init(tag: 0x87, bytes: bytes) }
    /// otherName: an object identifier, and a UTF8String.
    static func other(_ text: String) -> Alternative {
      let value = [0x0c, UInt8(text.utf8.count)] + Array(text.utf8)
      return .init(tag: 0xa0, bytes: [0x06, 0x03, 0x2a, 0x03, 0x04, 0xa0, UInt8(value.count)] + value)
    }
  }

  let handle: OpaquePointer
  let key: OpaquePointer

  /// - Parameters:
  ///   - issuer: nil signs it by its own key.
  ///   - validFor: from an hour ago on, in seconds from now.
  ///   - key: another's, for a certificate that is renewed or signed by somebody else.
  init(
    _ subject: [Part], _ alternatives: [Alternative] = [], issuer: ForgedCertificate? = nil, isAuthority: Bool = false,
    validFor: Int = 30 * 86_400, key: OpaquePointer? = nil, serial: Int = .random(in: 1...(1 << 40))
  ) throws {
    handle = try #require(X509_new())
    if let key {
      EVP_PKEY_up_ref(key)
      self.key = key
    } else {
      self.key = try Self.makeKey()
    }
    try #require(X509_set_version(handle, 2) == 1)
    try #require(ASN1_INTEGER_set_int64(X509_get_serialNumber(handle), Int64(serial)) == 1)
    try #require(X509_gmtime_adj(X509_getm_notBefore(handle), -3600) != nil)
    try #require(X509_gmtime_adj(X509_getm_notAfter(handle), validFor) != nil)
    let name = X509_get_subject_name(handle)
    for part in subject {
      let isAdded = X509_NAME_add_entry_by_NID(
        name, part.type, part.kind, part.bytes, CInt(part.bytes.count), -1, part.joined ? -1 : 0)
      try #require(isAdded == 1)
    }
    try #require(X509_set_issuer_name(handle, X509_get_subject_name(issuer?.handle ?? handle)) == 1)
    try #require(X509_set_pubkey(handle, self.key) == 1)
    if isAuthority { try add(NID_basic_constraints, critical: true, [0x30, 3, 1, 1, 0xff]) }
    if !alternatives.isEmpty { try add(NID_subject_alt_name, critical: subject.isEmpty, Self.sequence(alternatives)) }
    try #require(X509_sign(handle, issuer?.key ?? self.key, nil) > 0)
  }

  deinit {
    X509_free(handle)
    EVP_PKEY_free(key)
  }

  static func authority(_ name: String = "authority", key: OpaquePointer? = nil) throws -> ForgedCertificate {
    try ForgedCertificate([.name(name)], isAuthority: true, key: key)
  }

  var pem: String { Self.text { PEM_write_bio_X509($0, handle) == 1 } }
  var keyPEM: String { Self.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) == 1 } }

  /// Writes both files, beside the certificates of ``Certificates/ours``.
  func identity(behind chain: [ForgedCertificate] = []) throws -> TLSClientConfiguration.Identity {
    let path = Certificates.ours.path(UUID().uuidString)
    try ([self] + chain).map(\.pem).joined().write(toFile: path + ".pem", atomically: false, encoding: .utf8)
    try keyPEM.write(toFile: path + ".key", atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + ".key")
    return .init(certificateChainFile: path + ".pem", privateKeyFile: path + ".key")
  }

  private func add(_ kind: CInt, critical: Bool, _ bytes: [UInt8]) throws {
    let value = try #require(ASN1_OCTET_STRING_new())
    defer { ASN1_OCTET_STRING_free(value) }
    try #require(ASN1_OCTET_STRING_set(value, bytes, CInt(bytes.count)) == 1)
    let part = try #require(X509_EXTENSION_create_by_NID(nil, kind, critical ? 1 : 0, value))
    defer { X509_EXTENSION_free(part) }
    try #require(X509_add_ext(handle, part, -1) == 1)
  }

  private static func sequence(_ names: [Alternative]) -> [UInt8] {
    let content = names.flatMap { [$0.tag] + length($0.bytes.count) + $0.bytes }
    return [0x30] + length(content.count) + content
  }

  private static func length(_ count: Int) -> [UInt8] {
    count < 0x80 ? [UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
  }

  static func makeKey() throws -> OpaquePointer {
    let context = try #require(EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nil))
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    try #require(EVP_PKEY_keygen_init(context) == 1)
    try #require(EVP_PKEY_keygen(context, &key) == 1)
    return try #require(key)
  }

  private static func text(_ write: (OpaquePointer) -> Bool) -> String {
    CertificateText.print(write) ?? ""
  }
}
