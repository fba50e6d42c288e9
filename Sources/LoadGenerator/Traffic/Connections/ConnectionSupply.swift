import NIOCore
import NIOPosix
import TLSTransport
import XStream

/// Where a connection leads, and what it speaks.
struct ConnectionPlace: Hashable {
  /// Which of the targets.
  var target: Int
  var speaks: ConnectionProtocol
}

/// A connection that may carry one exchange after another.
protocol PooledConnection: AnyObject {
  var place: ConnectionPlace { get }
  /// Whether another exchange may follow.
  var isUsable: Bool { get }
  /// Ends it in order.
  func leave()
}

/// The connections of one event loop: those that wait for another upload, and how to make more.
final class ConnectionSupply {
  private let targets: [Target]
  private let contexts: [ConnectionProtocol: TLSContext]
  private let behaviour: ConnectionBehaviour
  private let loop: any EventLoop
  private let recorder: Recorder
  /// The connections that wait; the one that was used last is taken first.
  private var idle: [ConnectionPlace: [any PooledConnection]] = [:]
  private var tickets: [ConnectionPlace: TLSResumption] = [:]

  init(
    _ targets: [Target], _ contexts: [ConnectionProtocol: TLSContext], _ behaviour: ConnectionBehaviour,
    on loop: any EventLoop,
    _ recorder: Recorder
  ) {
    self.targets = targets
    self.contexts = contexts
    self.behaviour = behaviour
    self.loop = loop
    self.recorder = recorder
  }

  var wantsTickets: Bool { behaviour.handshake == .resumed }

  /// A connection that waits, if there is one.
  func takeIdle<Connection: PooledConnection>(_ place: ConnectionPlace) -> Connection? {
    while let connection = idle[place]?.popLast() {
      if connection.isUsable { return connection as? Connection }
      connection.leave()
    }
    return nil
  }

  /// A new connection for x-stream, TLS and all.
  func connect(_ place: ConnectionPlace, _ done: @escaping (Result<LoadConnection, Setback>) -> Void) {
    let connection = LoadConnection(
      place, bandwidth: behaviour.bandwidth, supply: self, recorder: recorder, onReady: done)
    let bound = NIOLoopBound(connection, eventLoop: loop)
    connectTLS(place) { channel in
      try channel.pipeline.syncOperations.addHandler(bound.value)
    } onFailure: {
      connection.end($0)
    }
  }

  /// A new connection for HTTP.
  func connect(_ place: ConnectionPlace, _ done: @escaping (Result<HTTPConnection, Setback>) -> Void) {
    let connection = HTTPConnection(
      place, authority: targets[place.target].url.authority, bandwidth: behaviour.bandwidth, supply: self,
      recorder: recorder, onReady: done)
    let bound = NIOLoopBound(connection, eventLoop: loop)
    connectTLS(place) { channel in
      try bound.value.install(on: channel)
    } onFailure: {
      connection.end($0)
    }
  }

  /// A new connection that shows what comes to a raw handler.
  func connect(_ place: ConnectionPlace, _ connection: RawConnection) {
    let bound = NIOLoopBound(connection, eventLoop: loop)
    connectTLS(place) { channel in
      try channel.pipeline.syncOperations.addHandler(bound.value)
    } onFailure: {
      connection.end($0)
    }
  }

  private func connectTLS(
    _ place: ConnectionPlace, install: @escaping @Sendable (any Channel) throws -> Void,
    onFailure: @escaping (Setback) -> Void
  ) {
    guard let context = contexts[place.speaks] else { return onFailure(.tls("no context for \(place.speaks.name)")) }
    let target = targets[place.target]
    let timeout = TimeAmount(behaviour.connectTimeout)
    let ticket = wantsTickets ? tickets[place] : nil
    ClientBootstrap(group: loop)
      .connectTimeout(timeout)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 512 << 10))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try StagedReceiveAllocator.apply(to: channel)
          try channel.pipeline.syncOperations.addHandler(
            TLSHandler(context: context, serverName: target.url.host, resuming: ticket, handshakeDeadline: timeout))
          try install(channel)
        }
      }
      .connect(to: target.address)
      .assumeIsolated()
      .whenFailure { error in onFailure(Setback(connecting: error)) }
  }

  /// Takes a connection back after an exchange.
  func giveBack(_ connection: some PooledConnection) {
    guard behaviour.reuse == .kept, connection.isUsable else {
      connection.leave()
      return
    }
    idle[connection.place, default: []].append(connection)
  }

  /// The connection is over.
  func forget(_ connection: some PooledConnection) {
    idle[connection.place]?.removeAll { $0 === connection }
  }

  func remember(_ ticket: TLSResumption, for place: ConnectionPlace) {
    tickets[place] = ticket
  }

  /// Ends all connections that wait.
  func closeIdle() {
    for connection in idle.values.flatMap(\.self) { connection.leave() }
    idle = [:]
  }
}
