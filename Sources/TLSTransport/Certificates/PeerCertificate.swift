internal import COpenSSL

/// The certificate that the peer showed. If it was asked for with verification, it was verified.
public struct PeerCertificate: Sendable, Equatable {
  /// The subject's name in one line as in RFC 2253, for example `CN=uploader,O=Example`.
  public let subject: String
  /// The most specific common name of the subject, in its own characters. `nil` where there is none, where it is none
  /// beyond doubt, or where it has control characters.
  public let commonName: String?
  /// DNS names of the subject alternative name extension. Names with control characters are left out.
  public let dnsNames: [String]
  /// URIs of the subject alternative name extension.
  public let uris: [String]
  /// E-mail addresses of the subject alternative name extension.
  public let emails: [String]
  /// SHA-256 of ``der``, 32 bytes.
  public let sha256Fingerprint: [UInt8]
  /// The certificate itself in DER.
  public let der: [UInt8]
  /// SHA-256 of its public key (SubjectPublicKeyInfo), 32 bytes.
  public let keyFingerprint: [UInt8]
  /// Whose certificate it is. Only a server that verified it knows.
  public let identity: CertificateIdentity?
  /// How it was verified. Only a server knows.
  public let chain: CertificateChain?

  /// - Parameter chain: how it was verified.
  /// - Returns: nil if OpenSSL cannot write the certificate out again, which only want of memory explains.
  init?(_ certificate: OpaquePointer, chain: CertificateChain? = nil) {
    let length = i2d_X509(certificate, nil)
    guard length > 0 else { return nil }
    var der = [UInt8](repeating: 0, count: Int(length))
    let written = der.withUnsafeMutableBufferPointer { bytes -> CInt in
      // The function moves the pointer that it is given.
      var cursor = bytes.baseAddress
      return i2d_X509(certificate, &cursor)
    }
    var digest = [UInt8](repeating: 0, count: 32)
    guard written == length, X509_digest(certificate, EVP_sha256(), &digest, nil) == 1,
      let key = CertificateIdentity.authorityKey(of: certificate)
    else { return nil }
    self.der = der
    sha256Fingerprint = digest
    keyFingerprint = key
    self.chain = chain
    identity = chain.flatMap { CertificateIdentity(certificate, authority: $0.authority, fingerprint: digest) }
    subject = CertificateText.subject(X509_get_subject_name(certificate))
    commonName = Self.commonName(X509_get_subject_name(certificate))

    var names: [CInt: [String]] = [:]
    if let extensionValue = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
      let list = OpaquePointer(extensionValue)
      defer { GENERAL_NAMES_free(list) }
      for index in 0..<max(0, shim_sk_GENERAL_NAME_num(list)) {
        guard let name = shim_sk_GENERAL_NAME_value(list, index) else { continue }
        let kind = shim_GENERAL_NAME_type(name)
        guard [GEN_DNS, GEN_URI, GEN_EMAIL].contains(kind), let value = shim_GENERAL_NAME_ia5(name),
          let text = Self.text(of: value)
        else { continue }
        names[kind, default: []].append(text)
      }
    }
    dnsNames = names[GEN_DNS] ?? []
    uris = names[GEN_URI] ?? []
    emails = names[GEN_EMAIL] ?? []
  }

  /// Of several the last, which is the most specific; of two in one part of the name, neither.
  private static func commonName(_ name: OpaquePointer?) -> String? {
    var places: [CInt] = []
    var place = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
    while place >= 0 {
      places.append(place)
      place = X509_NAME_get_index_by_NID(name, NID_commonName, place)
    }
    guard let last = places.last, let entry = X509_NAME_get_entry(name, last) else { return nil }
    let others = places.dropLast().compactMap { X509_NAME_get_entry(name, $0) }
    guard !others.contains(where: { X509_NAME_ENTRY_set($0) == X509_NAME_ENTRY_set(entry) }) else { return nil }
    return X509_NAME_ENTRY_get_data(entry).flatMap { NameText.shown($0) }
  }

  /// An IA5String is ASCII. Control characters have no place in a name; a NUL is an old trick to make two readers
  /// see two names.
  private static func text(of value: UnsafePointer<ASN1_STRING>) -> String? {
    guard let start = ASN1_STRING_get0_data(value) else { return nil }
    let bytes = UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(value)))
    guard bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
