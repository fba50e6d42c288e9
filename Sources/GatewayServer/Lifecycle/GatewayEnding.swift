import Forwarders
import Fronts
import GatewayCore
import Ledgers
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TLSTransport

// How a gateway ends.
extension RunningGateway {
  /// Accepts nobody any more, and returns when everything is closed.
  ///
  /// What is under way may end for as long as `timeouts.drain`; then it is suspended, and its clients are told so (status 15).
  /// Connections that take longer than `timeouts.shutdown` after that are cut.
  ///
  /// - Parameter isTakenOver: whether another process accepts clients on the same sockets.
  package func stop(isTakenOver: Bool = false) async {
    stopping.store(true, ordering: .relaxed)
    endUpkeep()
    await departures.stop()
    let (drain, shutdown) = (terms.current.drain, terms.current.shutdown)
    for listener in listeners { await listener.close(staysOpen: isTakenOver) }
    let (connections, gateway, former) = (connections, gateway, former)
    // Whoever was accepted is set up on an event loop of its own: by now that is queued there, and done before this.
    for eventLoop in eventLoops.makeIterator() { try? await eventLoop.submit {}.get() }
    let open = drain > .zero ? connections.drain() : connections.close()
    logger.info("Gateway is stopping", metadata: ["connections": .stringConvertible(open.count)])
    if drain > .zero {
      for channel in open { channel.pipeline.fireUserInboundEventTriggered(GatewayIsDraining()) }
    }
    let isDrained = await isDone(within: drain) {
      await connections.waitUntilEmpty()
      await former?.waitUntilGone()
    }
    if !isDrained {
      let left = connections.close()
      if drain > .zero {
        logger.notice(
          "What is under way is suspended: its time is over",
          metadata: [
            "connections": .stringConvertible(left.count),
            "uploads": .stringConvertible(gateway.connectedUploads.count),
          ])
      }
      for channel in left { channel.pipeline.fireUserInboundEventTriggered(GatewayIsStopping()) }
      gateway.stopAssembling()
      if await !isDone(within: shutdown, { await connections.waitUntilEmpty() }) {
        held.stop()
        for channel in connections.open { Self.cut(channel) }
        await connections.waitUntilEmpty()
      }
    }
    gateway.stopAssembling()
    // Uploads whose connection is gone are still being made safe: store and ledger have to be there for them, for as long
    // as connections may take.
    _ = await isDone(within: shutdown) { await gateway.waitUntilNoUploads() }
    judges.stop()
    held.stop()
    // What is not delivered by then is delivered after the next start.
    if await !isDone(within: min(shutdown, Self.lastDeliveries), { [post] in await post.finish() }) {
      await post.stop()
      await post.finish()
    }
    loopLag.stop()
    await closeAdmin()
    leaseKeeping?.cancel()
    await gateway.lease?.leave(on: eventLoops.next())
    await Self.release(
      parts.withLock { $0.forwarders }, ledger: ledger, storeThreads: storeThreads, eventLoops: eventLoops)
    logger.info("Gateway has stopped")
  }

  /// How long deliveries that are under way may take when the gateway stops.
  private static let lastDeliveries = Duration.seconds(3)

  func closeAdmin() async { await admin.withLock { $0.take() }?.close() }

  /// Does nothing by itself any more.
  func endUpkeep() {
    for sweep in [expirySweep, memorySweep, expiryWatch] { sweep.cancel() }
    departures.end()
  }

  /// How long ``stop()`` takes at most.
  package var longestStop: Duration {
    let terms = terms.current
    // Connections, and uploads without one; and a little for stores and ledger.
    return terms.drain + terms.shutdown * 2 + .seconds(5)
  }

  /// What has not come to its end.
  package var remains: GatewayRemains {
    GatewayRemains(connections: connections.count, uploads: gateway.connectedUploads.map(\.logID))
  }

  /// In order `close_notify` would wait for a client that reads nothing, so this goes past TLS.
  private static func cut(_ channel: any Channel) {
    channel.eventLoop.execute {
      guard let tls = try? channel.pipeline.syncOperations.context(handlerType: TLSHandler.self) else {
        return channel.close(promise: nil)
      }
      tls.close(mode: .all, promise: nil)
    }
  }

  /// Whether `work` ended before the time was over; it goes on otherwise.
  private func isDone(within time: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let (ends, end) = AsyncStream.makeStream(of: Bool.self)
    let working = Task {
      await work()
      end.yield(true)
    }
    let clock = Task {
      try await Task.sleep(for: time)
      end.yield(false)
    }
    defer {
      working.cancel()
      clock.cancel()
    }
    return await ends.first { _ in true } ?? false
  }

  /// Forwarders first, while there are event loops for what they hold. Then store threads: what they still do is told to
  /// event loops, which in turn tell the ledger.
  static func release(
    _ forwarders: [any Forwarder], ledger: any ServedLedger, storeThreads: StoreThreads,
    eventLoops: MultiThreadedEventLoopGroup
  ) async {
    for forwarder in forwarders { await forwarder.stop() }
    try? await storeThreads.stop()
    ledger.close()
    try? await eventLoops.shutdownGracefully()
  }
}

/// What a gateway that ends at once leaves where it is. No byte that was acknowledged is lost: its clients resume.
package struct GatewayRemains: Hashable, Sendable {
  /// Connections that are open.
  package let connections: Int
  /// Uploads that a connection has, as the log names them.
  package let uploads: [String]
}
