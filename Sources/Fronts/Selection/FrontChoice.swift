import NIOCore

/// Decides which front a connection gets: by ALPN, or else by its first bytes. Has no I/O.
struct FrontChoice {
  /// Bytes that are looked at. Each protocol shows itself in fewer.
  static let mostBytes = 64

  private let fronts: [any Front]

  /// - Parameter fronts: at least one. The first gets whatever nobody recognises, and answers it in its own words.
  init(_ fronts: [any Front]) {
    precondition(!fronts.isEmpty, "a gateway without a front")
    self.fronts = fronts
  }

  /// Which front gets what nobody recognises.
  var otherwise: any Front { fronts[0] }

  /// - Parameter applicationProtocol: what was agreed on by ALPN; `nil` for nothing.
  /// - Returns: `nil` where the first bytes have to tell.
  func afterHandshake(_ applicationProtocol: String?) -> (any Front)? {
    if let applicationProtocol {
      return fronts.first { $0.applicationProtocols.contains(applicationProtocol) } ?? otherwise
    }
    return fronts.count == 1 ? otherwise : nil
  }

  /// - Parameter firstBytes: all that has arrived so far.
  /// - Returns: `nil` where more bytes have to come.
  func afterBytes(_ firstBytes: ByteBufferView) -> (any Front)? {
    guard !firstBytes.isEmpty else { return nil }
    var isUndecided = false
    for front in fronts {
      switch front.recognises(firstBytes) {
      case true?: return front
      case false?: continue
      case nil: isUndecided = true
      }
    }
    return isUndecided && firstBytes.count < Self.mostBytes ? nil : otherwise
  }
}
