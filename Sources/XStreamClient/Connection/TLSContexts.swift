import Synchronization
import TLSTransport

/// The contexts of one client: one for each list of protocols that it offers.
final class TLSContexts: Sendable {
  private let configuration: ClientConfiguration
  private let contexts = Mutex<[[String]: TLSContext]>([:])

  init(_ configuration: ClientConfiguration) {
    self.configuration = configuration
  }

  /// The context that offers these names in ALPN.
  ///
  /// - Throws: `TLSConfigurationError`, which names the file.
  func context(for protocols: [String]) throws(TLSConfigurationError) -> TLSContext {
    if let context = contexts.withLock({ $0[protocols] }) { return context }
    let context = try TLSContext(
      client: TLSClientConfiguration(
        trust: configuration.trust, identity: configuration.identity, applicationProtocols: protocols))
    contexts.withLock { $0[protocols] = context }
    return context
  }
}
