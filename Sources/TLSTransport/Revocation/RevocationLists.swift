internal import COpenSSL

/// The lists of revoked certificates (RFC 5280, section 5) that a server looks into.
struct RevocationLists: Sendable {
  /// One list. The handle is only read; OpenSSL has a lock of its own for the one thing that a search may change, the order.
  final class List: Sendable {
    nonisolated(unsafe) let handle: OpaquePointer
    /// SHA-256 of the issuer's name.
    let issuer: [UInt8]
    /// SHA-256 of the public key that signed it; `nil` where that is of none of the trusted authorities, but of one between.
    let authority: [UInt8]?
    /// When it was issued, in seconds since 1970.
    let begin: Int64
    /// When the next one is due; the far end of time where it does not say.
    let end: Int64

    /// Takes over the only reference.
    init(_ handle: OpaquePointer, issuer: [UInt8], authority: [UInt8]?) {
      self.handle = handle
      self.issuer = issuer
      self.authority = authority
      begin = CertificateTime.seconds(X509_CRL_get0_lastUpdate(handle)) ?? .max
      end = X509_CRL_get0_nextUpdate(handle).map { CertificateTime.seconds($0) ?? .min } ?? .max
    }

    deinit { X509_CRL_free(handle) }

    func has(serial: [UInt8]) -> Bool {
      let amount = Array(serial.dropFirst())
      guard let number = ASN1_STRING_type_new(serial.first == 1 ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER) else {
        return true
      }
      defer { ASN1_STRING_free(number) }
      guard ASN1_STRING_set(number, amount, CInt(amount.count)) == 1 else { return true }
      var entry: OpaquePointer?
      // 2 is an entry that takes an earlier one back.
      return X509_CRL_get0_by_serial(handle, &entry, number) == 1
    }
  }

  private let lists: [[UInt8]: [List]]
  private let rules: TLSServerConfiguration.Revocation

  init(_ lists: [List], _ rules: TLSServerConfiguration.Revocation) {
    self.lists = Dictionary(grouping: lists, by: \.issuer)
    self.rules = rules
  }

  /// Until when the chain is good, as far as lists tell, in seconds since 1970; `nil` where it is not at `now`. As OpenSSL does, it
  /// asks the newest list of each issuer, and where there is none that is valid, nobody is good.
  func permits(_ chain: CertificateChain, at now: Int64) -> Int64? {
    var until = Int64.max
    for link in rules.coverage == .chain ? chain.links[...] : chain.links.prefix(1) {
      let valid = (lists[link.issuer] ?? []).filter { list in
        (list.authority ?? link.authority) == link.authority && list.begin <= now
          && (rules.acceptsExpired || now < list.end)
      }
      guard let newest = valid.max(by: { $0.begin < $1.begin }), !newest.has(serial: link.serial) else { return nil }
      if !rules.acceptsExpired { until = min(until, newest.end) }
    }
    return until
  }
}
