import Fronts
import NIOCore
import Synchronization
import TLSTransport

/// What new connections begin with. A reload replaces all of it in one step; a connection keeps what it began with.
struct ConnectionTerms: Sendable {
  let context: TLSContext
  let fronts: [any Front]
  let timeouts: FrontTimeouts
  /// From the accepted connection to the end of its handshake.
  let handshake: TimeAmount
  /// What one address may take.
  let addresses: AddressBounds
  /// The most handshakes begun in a second; `nil` for any number.
  let handshakes: Int?
  /// From the request to stop until clients are told to go on elsewhere.
  let drain: Duration
  /// From then on until connections are cut.
  let shutdown: Duration
  /// So long before a certificate expires, the operator is told.
  let warnBefore: Duration

  init(_ configuration: Configuration, context: TLSContext, fronts: [any Front]) {
    self.context = context
    self.fronts = fronts
    timeouts = FrontTimeouts(configuration.timeouts)
    handshake = TimeAmount(configuration.timeouts.handshake)
    addresses = configuration.addresses
    handshakes = configuration.handshakes
    drain = configuration.timeouts.drain
    shutdown = configuration.timeouts.shutdown
    warnBefore = configuration.tls.warnBefore
  }
}

/// The terms of now. Any thread may ask.
final class PublishedTerms: Sendable {
  private let terms: Mutex<ConnectionTerms>

  init(_ terms: ConnectionTerms) {
    self.terms = Mutex(terms)
  }

  var current: ConnectionTerms { terms.withLock { $0 } }

  func publish(_ terms: ConnectionTerms) {
    self.terms.withLock { $0 = terms }
  }
}

extension PublishedTerms: TLSContextSource {
  /// That of now.
  func contextForConnection() -> TLSContext { current.context }
}
