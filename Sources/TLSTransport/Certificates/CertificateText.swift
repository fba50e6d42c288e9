internal import COpenSSL

/// Text that OpenSSL prints only into a BIO.
enum CertificateText {
  /// What `body` printed, or nil if it failed.
  static func print(_ body: (OpaquePointer) -> Bool) -> String? {
    guard let sink = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(sink) }
    guard body(sink) else { return nil }
    var start: UnsafeMutablePointer<CChar>?
    let count = shim_BIO_get_mem_data(sink, &start)
    guard let start, count > 0 else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// A name in one line as in RFC 2253: printable ASCII, with whatever else there is as `\XX`.
  static func subject(_ name: OpaquePointer?) -> String {
    print { sink in X509_NAME_print_ex(sink, name, 0, shim_XN_FLAG_RFC2253()) >= 0 } ?? ""
  }
}
