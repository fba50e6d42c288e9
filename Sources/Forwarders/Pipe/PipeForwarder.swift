package import GatewayCore
package import NIOCore
package import TLSTransport

/// Pipes uploads to backends as raw bytes: one connection for each upload, which outlives the client's connections.
///
/// `docs/pipes.md` says what a backend sees, and what can be known when one breaks off.
package final class PipeForwarder: Forwarder {
  private let connector: BackendConnector
  private let leftBehind: LeftBehindMemory
  private let parking: PipeParking
  private let healthCheck: RepeatedTask
  private let table: BackendTable
  /// Hears how the backends do.
  package let observer: (any BackendObserver)?

  /// - Parameters:
  ///   - former: the same pipe under earlier settings. Streams that it began go on at their backends, also those whose
  ///     clients come back to this one; its own health checks end with ``retire()``.
  ///   - eventLoops: for the health checks, which begin here and go on until ``stop()``.
  ///   - memory: what clients that are gone left behind counts there, until the backend takes it.
  ///   - onChange: called on any event loop when a backend is found to be up or down.
  ///   - observer: hears how the backends do.
  /// - Throws: ``TLSConfigurationError``, which names the file and the cause.
  package init(
    _ settings: Settings, succeeding former: PipeForwarder? = nil, eventLoops: any EventLoopGroup,
    memory: MemoryBudget = MemoryBudget(limit: .max),
    onChange: @escaping @Sendable (BackendAddress, _ isUp: Bool) -> Void = { _, _ in },
    observer: (any BackendObserver)? = nil
  ) throws(TLSConfigurationError) {
    precondition(!settings.backends.isEmpty, "a pipe without a backend")
    let table = BackendTable(settings.backends, balance: settings.balance, onChange: onChange)
    self.table = table
    self.observer = observer
    let leftBehind = former?.leftBehind ?? LeftBehindMemory(memory)
    parking = former?.parking ?? PipeParking()
    self.leftBehind = leftBehind
    connector = BackendConnector(
      settings: settings, tls: try settings.tls?.makeContext(), pool: table, leftBehind: leftBehind,
      observer: observer)
    healthCheck = BackendHealth(addresses: settings.backends, settings: settings.health, table: table)
      .start(on: eventLoops.next())
  }

  /// A sink that writes to the upload's parked stream, or for a new upload to a new one on `eventLoop`.
  ///
  /// It says ``SinkEvent/failed(_:)`` in place of ``SinkEvent/opened`` where no backend can be reached, or where the
  /// stream is gone, or did not get exactly `offset` bytes.
  package func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop, onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink {
    eventLoop.preconditionInEventLoop()
    let parked = parking.take(upload.key)
    let sink = PipeSink(
      key: upload.key, from: offset, on: eventLoop, stream: parked, parking: parking, onEvent: onEvent)
    if parked != nil {
      sink.attach(digest: upload.facts.digest)
    } else {
      eventLoop.assumeIsolated().execute { [connector] in
        guard offset == 0 else { return sink.failedToOpen(.backend("the upload's stream is gone")) }
        connector.open(for: upload, on: eventLoop) { result in
          switch result {
          case .success(let stream): sink.opened(PipeStreamReference(stream), digest: upload.facts.digest)
          case .failure(let failure): sink.failedToOpen(failure)
          }
        }
      }
    }
    return sink
  }

  /// No space on a disk is needed, but memory: where clients that are gone left much of it to backends that do not read, a
  /// new upload has to wait. One that goes on adds nothing before what it left is out.
  package func reserveSpace(_ request: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    // A stream that grows has its backend already.
    guard leftBehind.isFull, !request.isGrowth, !parking.holds(request.key) else {
      return eventLoop.makeSucceededFuture(request.bytes)
    }
    return eventLoop.makeFailedFuture(Refusal.busy(retryAfter: 5))
  }

  /// Resets the upload's parked stream.
  package func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    guard let parked = parking.take(key) else { return eventLoop.makeSucceededVoidFuture() }
    return parked.submit { $0.abandon() }.hop(to: eventLoop)
  }

  /// No stream survives the gateway, nothing is kept, and no byte is taken back from a backend.
  package var traits: ForwarderTraits {
    ForwarderTraits(survivesRestart: false, holdsFiles: false, truncates: false)
  }

  /// All of them are broken.
  package func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) async -> RecoveredPlace {
    RecoveredPlace(
      uploads: Dictionary(unfinished.map { ($0.key, .broken) }, uniquingKeysWith: { first, _ in first }))
  }

  /// Ends the health checks: another pipe has taken this one's place. Streams that clients have now go on.
  package func retire() { healthCheck.cancel() }

  /// Ends the health checks, and resets the streams whose clients are gone.
  package func stop() async {
    healthCheck.cancel()
    for stream in parking.close() { try? await stream.submit { $0.abandon() }.get() }
  }

  /// How the backends stand, in the order of the settings; `uploads` are streams to it, parked ones too.
  package var backends: [(address: BackendAddress, isUp: Bool, uploads: Int)] { table.backends }

  /// Uploads whose streams wait for their clients.
  package var parkedKeys: Set<UploadKey> { parking.keys }
}

extension PipeForwarder.TLS {
  /// Reads the files.
  ///
  /// - Throws: ``TLSConfigurationError``, which names the file and the cause.
  package func makeContext() throws(TLSConfigurationError) -> TLSContext {
    var identity: TLSClientConfiguration.Identity?
    if let certificate, let privateKey {
      identity = .init(certificateChainFile: certificate, privateKeyFile: privateKey)
    }
    return try TLSContext(
      client: TLSClientConfiguration(trust: authorities.map { .caFile($0) } ?? .systemRoots, identity: identity))
  }
}
