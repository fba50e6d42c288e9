import GatewayCore
import NIOCore
import Synchronization

/// What a connection holds by being there, in bytes, beside what its uploads do. Measured, and rounded up
/// (`Tests/Hostile/crowd.py`).
enum ConnectionMemory {
  /// Until its handshake is complete: libssl's buffers and keys, and what has come of a message.
  static let handshaking = 64 << 10
  /// After it.
  static let open = 24 << 10
}

/// The connections that are open: bounds their number, in all, of each address, and of those that have not shown who they
/// are yet, and reaches them all when the gateway goes away.
///
/// A connection whose handshake is not complete has shown nothing. Where there are too many of those, or no room for more
/// connections at all, the oldest of them goes: an honest client is through in a round trip or two, so that a flood of
/// half-open ones pushes out its own. Only one that has had its time goes: when very many honest clients come at once, as
/// after a restart, the next have to wait (``isHalfOpenFull``) until those before them have been served.
final class ConnectionTable: Sendable {
  /// A connection's number.
  typealias Place = UInt64

  fileprivate struct Connection {
    let channel: any Channel
    var address: AddressBlock?
    let since: NIODeadline
    var isHalfOpen = true
    var isLeaving = false
  }

  fileprivate struct State {
    var connections: [Place: Connection] = [:]
    var next: Place = 0
    var countOfAddress: [AddressBlock: Int] = [:]
    var halfOpen = 0
    /// Those that are sent away, and not closed yet.
    var leaving = 0
    /// No half-open connection has a lower number.
    var oldest: Place = 0
    var isDraining = false
    var isClosed = false
    var whenEmpty: [CheckedContinuation<Void, Never>] = []
  }

  /// What becomes of a new connection.
  enum Outcome {
    case admitted(Place)
    /// As many are open as there may be.
    case full
    /// As many of its address are open as there may be.
    case addressIsFull
  }

  /// A handshake has so long before another one may have its place.
  static let grace = TimeAmount.seconds(2)

  private let limit: Int
  private let halfOpenLimit: Int
  private let memory: MemoryBudget
  private let state = Mutex(State())

  /// - Parameter memory: counts what connections hold; of it half-open ones have no more than a quarter.
  init(limit: Int, memory: MemoryBudget) {
    self.limit = limit
    self.memory = memory
    self.halfOpenLimit = max(64, memory.limit / 4 / ConnectionMemory.handshaking)
  }

  /// Whether the connection may stay. It leaves the table by itself when it closes.
  ///
  /// - Parameters:
  ///   - address: what it counts as; `nil` where it is not counted, or not known yet.
  ///   - most: of one address.
  func admit(
    _ channel: any Channel, from address: AddressBlock? = nil, most: Int? = nil, now: NIODeadline = .now()
  ) -> Outcome {
    let (outcome, evicted) = state.withLock { state -> (Outcome, (any Channel)?) in
      guard !state.isClosed else { return (.full, nil) }
      guard state.hasRoom(for: address, most) else { return (.addressIsFull, nil) }
      var evicted: (any Channel)?
      let isFull = state.connections.count - state.leaving >= limit
      if isFull || state.halfOpen >= halfOpenLimit { evicted = state.evictOldest(now) }
      guard !isFull || evicted != nil else { return (.full, nil) }
      let place = state.next
      state.next += 1
      state.connections[place] = Connection(channel: channel, since: now)
      state.halfOpen += 1
      state.count(address, at: place)
      return (.admitted(place), evicted)
    }
    evicted?.close(promise: nil)
    if case .admitted(let place) = outcome {
      memory.changeConnections(by: ConnectionMemory.handshaking)
      channel.closeFuture.whenComplete { _ in self.remove(place) }
    }
    return outcome
  }

  /// It is known by now where the connection comes from.
  ///
  /// - Returns: whether it may stay.
  func locate(_ place: Place, at address: AddressBlock?, most: Int?) -> Bool {
    state.withLock { state in
      guard state.hasRoom(for: address, most) else { return false }
      state.count(address, at: place)
      return true
    }
  }

  /// The connection's handshake is complete.
  func secured(_ place: Place) {
    let wasHalfOpen = state.withLock { state in
      guard let one = state.connections[place], one.isHalfOpen, !one.isLeaving else { return false }
      state.connections[place]?.isHalfOpen = false
      state.halfOpen -= 1
      return true
    }
    if wasHalfOpen { memory.changeConnections(by: ConnectionMemory.open - ConnectionMemory.handshaking) }
  }

  /// Those that are open now.
  var open: [any Channel] { state.withLock { $0.connections.values.map(\.channel) } }

  var count: Int { state.withLock { $0.connections.count } }

  /// Whether the next connection should wait until a handshake ends, or has had its time.
  var isHalfOpenFull: Bool { isHalfOpenFull(at: .now()) }

  func isHalfOpenFull(at now: NIODeadline) -> Bool {
    state.withLock { $0.halfOpen >= halfOpenLimit && !$0.hasStale(now) }
  }

  /// Those whose handshake is not complete.
  var halfOpenCount: Int { state.withLock { $0.halfOpen } }

  /// Addresses that a connection is from.
  var addressCount: Int { state.withLock { $0.countOfAddress.count } }

  /// The gateway accepts nobody any more. Who was accepted before may still be admitted.
  ///
  /// - Returns: those that are open.
  func drain() -> [any Channel] {
    state.withLock { state in
      state.isDraining = true
      return state.connections.values.map(\.channel)
    }
  }

  var isDraining: Bool { state.withLock { $0.isDraining } }

  /// Admits nobody from now on.
  /// - Returns: those that are still open.
  func close() -> [any Channel] {
    state.withLock { state in
      state.isClosed = true
      return state.connections.values.map(\.channel)
    }
  }

  /// Returns once the table is empty.
  func waitUntilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if state.connections.isEmpty { return true }
        state.whenEmpty.append(continuation)
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }

  private func remove(_ place: Place) {
    let (gone, waiting) = state.withLock { state -> (Connection?, [CheckedContinuation<Void, Never>]) in
      guard let gone = state.connections.removeValue(forKey: place) else { return (nil, []) }
      if gone.isHalfOpen, !gone.isLeaving { state.halfOpen -= 1 }
      if gone.isLeaving { state.leaving -= 1 }
      if let address = gone.address { state.discount(address) }
      guard state.connections.isEmpty else { return (gone, []) }
      defer { state.whenEmpty = [] }
      return (gone, state.whenEmpty)
    }
    if let gone {
      memory.changeConnections(by: gone.isHalfOpen ? -ConnectionMemory.handshaking : -ConnectionMemory.open)
    }
    for continuation in waiting { continuation.resume() }
  }
}

extension ConnectionTable.State {
  fileprivate func hasRoom(for address: AddressBlock?, _ most: Int?) -> Bool {
    guard let address, let most else { return true }
    return countOfAddress[address, default: 0] < most
  }

  fileprivate mutating func count(_ address: AddressBlock?, at place: ConnectionTable.Place) {
    guard let address, connections[place] != nil else { return }
    connections[place]?.address = address
    countOfAddress[address, default: 0] += 1
  }

  // Addresses come and go, so one that has none is not kept.
  fileprivate mutating func discount(_ address: AddressBlock) {
    let count = countOfAddress[address, default: 0] - 1
    countOfAddress[address] = count > 0 ? count : nil
  }

  /// Numbers only grow, so each that is through is passed once.
  private mutating func oldestHalfOpen() -> ConnectionTable.Connection? {
    while oldest < next {
      if let connection = connections[oldest], connection.isHalfOpen, !connection.isLeaving { return connection }
      oldest += 1
    }
    return nil
  }

  /// Whether some handshake has had its time.
  fileprivate mutating func hasStale(_ now: NIODeadline) -> Bool {
    oldestHalfOpen().map { now - $0.since >= ConnectionTable.grace } ?? false
  }

  fileprivate mutating func evictOldest(_ now: NIODeadline) -> (any Channel)? {
    guard hasStale(now), let connection = connections[oldest] else { return nil }
    connections[oldest]?.isLeaving = true
    oldest += 1
    halfOpen -= 1
    leaving += 1
    return connection.channel
  }
}
