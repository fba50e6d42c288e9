internal import COpenSSL

/// Times in certificates and in lists of revoked ones.
enum CertificateTime {
  /// In seconds since 1970; `nil` where it cannot be read.
  static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    guard let time, let start = ASN1_TIME_set(nil, 0) else { return nil }
    defer { ASN1_STRING_free(start) }
    var (days, rest): (CInt, CInt) = (0, 0)
    guard ASN1_TIME_diff(&days, &rest, start, time) == 1 else { return nil }
    return Int64(days) * 86_400 + Int64(rest)
  }

  /// As OpenSSL writes it, for people.
  static func text(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    time.flatMap { time in CertificateText.print { ASN1_TIME_print($0, time) == 1 } } ?? "an unreadable time"
  }
}
