internal import COpenSSL

/// Contexts of a server for several host names, beside that of its first certificate.
///
/// The context is changed before libssl looks at anything else in the ClientHello: tickets belong to a name, and in its
/// server name callback, which comes later, a ticket of one name would already have been taken for another with other
/// authorities for clients.
final class NamedContexts: Sendable {
  let table: NameTable<TLSContext>
  /// Whether who asks for no name that is known here is refused, and not given the first certificate.
  let refusesUnknown: Bool

  init(_ table: NameTable<TLSContext>, refusesUnknown: Bool) {
    self.table = table
    self.refusesUnknown = refusesUnknown
  }

  enum Choice {
    /// The context of the first certificate.
    case first
    case named(TLSContext)
    case refused
  }

  /// - Parameter isOfFirst: whether the first certificate has a name; asked only where that matters.
  func choose(_ name: String?, isOfFirst: (String) -> Bool) -> Choice {
    if let name, let context = table.value(for: name) { return .named(context) }
    guard refusesUnknown else { return .first }
    return name.map(isOfFirst) == true ? .first : .refused
  }
}

extension TLSContext {
  /// The context that a client with this name is served with; nil where it is refused.
  func serving(_ name: String?) -> TLSContext? {
    guard let names else { return self }
    switch names.choose(name, isOfFirst: hasCertificate(for:)) {
    case .first: return self
    case .named(let context): return context
    case .refused: return nil
    }
  }

  /// Whether clients that ask for a host take the own certificate for its; for `*.example` whether for any of them.
  public func isGood(for name: String) -> Bool { hasCertificate(for: name) }

  /// Whether the own certificate is good for a host.
  func hasCertificate(for name: String) -> Bool {
    guard let certificate = SSL_CTX_get0_certificate(handle) else { return false }
    return Self.isGood(certificate, for: name)
  }

  /// RFC 9525, sections 2 and 6.3: alternative names alone, and in them `*` only for a whole label.
  static func isGood(_ certificate: OpaquePointer, for name: String) -> Bool {
    let flags = CUnsignedInt(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
    // A label in place of the wildcard: whatever stands there, the certificate has to be good for it.
    let host = name.hasPrefix("*.") ? "any" + name.dropFirst() : name
    return X509_check_host(certificate, host, host.utf8.count, flags, nil) == 1
  }
}

/// libssl has read a ClientHello, and made nothing of it yet.
let chooseContext: @convention(c) (OpaquePointer?, UnsafeMutablePointer<CInt>?, UnsafeMutableRawPointer?) -> CInt = {
  handle, alert, _ in
  guard let handle, let data = shim_SSL_get_app_data(handle) else { return SSL_CLIENT_HELLO_ERROR }
  let session = Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
  var start: UnsafePointer<UInt8>?
  var count = 0
  var name: String?
  if SSL_client_hello_get0_ext(handle, CUnsignedInt(TLSEXT_TYPE_server_name), &start, &count) == 1, let start {
    name = ServerName.read(UnsafeRawBufferPointer(start: start, count: count))
  }
  guard let context = session.context.serving(name) else {
    alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
    return SSL_CLIENT_HELLO_ERROR
  }
  guard context !== session.context else { return SSL_CLIENT_HELLO_SUCCESS }
  // This brings the certificate, the authorities and the name of its sessions; what is asked of clients stays with the
  // session unless it is said once more.
  guard SSL_set_SSL_CTX(handle, context.handle) != nil else { return SSL_CLIENT_HELLO_ERROR }
  SSL_set_verify(handle, SSL_CTX_get_verify_mode(context.handle), SSL_CTX_get_verify_callback(context.handle))
  SSL_set_verify_depth(handle, SSL_CTX_get_verify_depth(context.handle))
  session.served = context
  return SSL_CLIENT_HELLO_SUCCESS
}
