import NIOCore
import NIOPosix
import TLSTransport
import XStream

/// The connections of one event loop: those that wait for another upload, and how to make more.
final class ConnectionSupply {
  private let targets: [Target]
  private let context: TLSContext
  private let behaviour: ConnectionBehaviour
  private let loop: any EventLoop
  private let recorder: Recorder
  /// The connections that wait, by target; the one that was used last is taken first.
  private var idle: [[LoadConnection]]
  private var tickets: [TLSResumption?]

  init(
    _ targets: [Target], _ context: TLSContext, _ behaviour: ConnectionBehaviour, on loop: any EventLoop,
    _ recorder: Recorder
  ) {
    self.targets = targets
    self.context = context
    self.behaviour = behaviour
    self.loop = loop
    self.recorder = recorder
    idle = targets.map { _ in [] }
    tickets = targets.map { _ in nil }
  }

  var wantsTickets: Bool { behaviour.handshake == .resumed }

  /// A connection that waits, if there is one.
  func takeIdle(_ target: Int) -> LoadConnection? {
    while let connection = idle[target].popLast() {
      if connection.isUsable { return connection }
      connection.leave()
    }
    return nil
  }

  /// A new connection, TLS and all.
  func connect(_ target: Int, _ done: @escaping (Result<LoadConnection, Setback>) -> Void) {
    let place = targets[target]
    let timeout = TimeAmount(behaviour.connectTimeout)
    let connection = LoadConnection(
      target: target, bandwidth: behaviour.bandwidth, supply: self, recorder: recorder, onReady: done)
    let (context, ticket) = (context, wantsTickets ? tickets[target] : nil)
    let bound = NIOLoopBound(connection, eventLoop: loop)
    ClientBootstrap(group: loop)
      .connectTimeout(timeout)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 512 << 10))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try StagedReceiveAllocator.apply(to: channel)
          try channel.pipeline.syncOperations.addHandlers(
            TLSHandler(
              context: context, serverName: place.url.host, resuming: ticket, handshakeDeadline: timeout),
            bound.value)
        }
      }
      .connect(to: place.address)
      .assumeIsolated()
      .whenFailure { error in connection.end(Setback(connecting: error)) }
  }

  /// Takes a connection back after an exchange.
  func giveBack(_ connection: LoadConnection) {
    guard behaviour.reuse == .kept, connection.isUsable else {
      connection.leave()
      return
    }
    idle[connection.target].append(connection)
  }

  /// The connection is over.
  func forget(_ connection: LoadConnection) {
    idle[connection.target].removeAll { $0 === connection }
  }

  func remember(_ ticket: TLSResumption, for target: Int) {
    tickets[target] = ticket
  }

  /// Ends all connections that wait.
  func closeIdle() {
    for connection in idle.flatMap(\.self) { connection.leave() }
    idle = targets.map { _ in [] }
  }
}
