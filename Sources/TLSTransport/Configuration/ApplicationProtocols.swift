internal import COpenSSL

/// ALPN names in the form of the wire: each behind its length in one byte (RFC 7301, section 3.1).
///
/// A reference type, because OpenSSL's callback is handed its address. It never changes.
final class ApplicationProtocols: Sendable {
  let wireFormat: [UInt8]

  init(_ names: [String]) throws(TLSConfigurationError) {
    var wireFormat: [UInt8] = []
    for name in names {
      let bytes = Array(name.utf8)
      guard let length = UInt8(exactly: bytes.count), length > 0 else { throw .applicationProtocolName(name) }
      wireFormat.append(length)
      wireFormat.append(contentsOf: bytes)
    }
    self.wireFormat = wireFormat
  }

  var isEmpty: Bool { wireFormat.isEmpty }

  /// The first of these names, in this order, that the client offers too.
  ///
  /// - Returns: a range within `offer`, or nil if there is none. An offer that is cut short counts as far as it goes.
  func choose(from offer: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    var own = 0
    while own < wireFormat.count {
      let name = wireFormat[own...].dropFirst().prefix(Int(wireFormat[own]))
      var other = 0
      while other < offer.count {
        let begin = other + 1
        let end = begin + Int(offer[other])
        guard end <= offer.count else { break }
        if offer[begin..<end].elementsEqual(name) { return begin..<end }
        other = end
      }
      own += 1 + name.count
    }
    return nil
  }
}

/// OpenSSL calls this only when the client offers names. `context` is the ``ApplicationProtocols`` of the server, kept
/// alive by the ``TLSContext`` that every session holds.
func selectApplicationProtocol(
  _ session: OpaquePointer?,
  _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ chosenLength: UnsafeMutablePointer<UInt8>?,
  _ offer: UnsafePointer<UInt8>?,
  _ offerLength: CUnsignedInt,
  _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let context, let offer, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
  let spoken = Unmanaged<ApplicationProtocols>.fromOpaque(context).takeUnretainedValue()
  guard let range = spoken.choose(from: UnsafeBufferPointer(start: offer, count: Int(offerLength))) else {
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }
  chosen.pointee = offer + range.lowerBound
  chosenLength.pointee = UInt8(range.count)
  return SSL_TLSEXT_ERR_OK
}
