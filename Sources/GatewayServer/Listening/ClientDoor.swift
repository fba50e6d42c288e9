import GatewayCore
import Logging
import NIOCore
import Synchronization

/// Whom a gateway lets in: bounds connections and handshakes, in all and of each address, before a handshake has cost
/// anything. One for all listeners.
final class ClientDoor: Sendable {
  let connections: ConnectionTable
  private let published: PublishedTerms
  private let handshakes = Mutex(EventRate(now: 0))
  private let handshakesOfAddress = EventRates<AddressBlock>()
  private let fullWords: SparseLog
  private let addressWords: SparseLog
  private let handshakeWords: SparseLog

  init(_ connections: ConnectionTable, terms: PublishedTerms, logger: Logger) {
    self.connections = connections
    self.published = terms
    fullWords = SparseLog("Connection turned away: as many are open as the gateway takes", to: logger)
    addressWords = SparseLog("Connection turned away: as many of its address are open as may be", to: logger)
    handshakeWords = SparseLog("Connection turned away: handshakes are begun faster than may be", to: logger)
  }

  private var bounds: AddressBounds { published.current.addresses }

  /// What the connection is from then on; `nil` where it is turned away.
  ///
  /// - Parameter address: the client's; `nil` where a proxy will tell it.
  func admit(_ channel: any Channel, from address: SocketAddress?) -> Entry? {
    let block = bounds.block(of: address)
    switch connections.admit(channel, from: block, most: bounds.connections) {
    case .admitted(let place): return Entry(place: place, address: block)
    case .full: fullWords.say()
    case .addressIsFull: addressWords.say(["address": "\(address?.ipAddress ?? "unknown")"])
    }
    return nil
  }

  /// A proxy has told where the client is.
  ///
  /// - Returns: `nil` where it is turned away.
  func locate(_ entry: Entry, at address: SocketAddress?) -> Entry? {
    let block = bounds.block(of: address)
    guard connections.locate(entry.place, at: block, most: bounds.connections) else {
      addressWords.say(["address": "\(address?.ipAddress ?? "unknown")"])
      return nil
    }
    return Entry(place: entry.place, address: block)
  }

  /// How long a handshake has to wait that the client begins now; `nil` where it is turned away: its address begins too
  /// many, or so many wait that it would not end in its time.
  func handshakeBegins(_ entry: Entry, now: NIODeadline) -> TimeAmount? {
    let terms = published.current
    let time = Int64(clamping: now.uptimeNanoseconds)
    if let address = entry.address, let most = terms.addresses.handshakes,
      handshakesOfAddress.take(address, perSecond: most, now: time) > 0
    {
      handshakeWords.say(["address": "\(address)"], now: now)
      return nil
    }
    guard let most = terms.handshakes else { return .zero }
    let longest = terms.handshake.nanoseconds / 2
    guard let wait = handshakes.withLock({ $0.reserve(perSecond: most, now: time, longest: longest) }) else {
      handshakeWords.say(now: now)
      return nil
    }
    return .nanoseconds(wait)
  }

  /// Forgets addresses that have begun nothing for a while.
  func tidy(now: NIODeadline) { handshakesOfAddress.forgetFull(at: Int64(clamping: now.uptimeNanoseconds)) }

  /// How many addresses are remembered for the handshakes that they began.
  var rememberedAddresses: Int { handshakesOfAddress.count }
}

/// A connection that was let in.
struct Entry: Sendable {
  let place: ConnectionTable.Place
  /// What it counts as; `nil` where nothing is bounded for it.
  let address: AddressBlock?
}
