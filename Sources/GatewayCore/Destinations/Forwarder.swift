package import NIOCore

/// Where a route's bytes go: a directory, or a backend. Opens a ``Sink`` for one upload.
package protocol Forwarder: Sendable {
  /// What the forwarder has to know whenever somebody goes on with this new upload, whatever is configured by then. The
  /// ledger records it with the offer. ``SinkUpload/state`` and ``UploadRecord/storeState`` give it back. `nil` for nothing.
  func initialState(of upload: SinkUpload) -> String?

  /// A sink for the upload's bytes from `offset` on; it says ``SinkEvent/opened`` when it is ready for them, or
  /// ``SinkEvent/found(size:_:)`` where an earlier sink had brought the upload to its end.
  ///
  /// Bytes beyond `offset` that an earlier connection left are cut, where the place can do that (``ForwarderTraits/truncates``); where fewer are there, the sink says
  /// ``SinkEvent/failed`` and never fills the gap. `offset` is 0 for a new upload. Events come on
  /// `eventLoop`, where the sink lives, never from within a call to the sink.
  func makeSink(
    for upload: SinkUpload, from offset: Int64, on eventLoop: any EventLoop,
    onEvent: @escaping (SinkEvent) -> Void
  ) -> any Sink

  /// Reserves space for an upload, and says how many bytes more it may be offered: 1 at least. The space stays reserved
  /// until its sink has consumed the bytes or has let go of the upload, or until ``limitReservedSpace(to:of:)``. Fails
  /// with ``SpaceShortage`` where nothing is reserved, with ``SinkFailure`` where the free space cannot be found out, and
  /// with ``Refusal`` where the upload has to wait for something else.
  func reserveSpace(_ request: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64>

  /// The upload was offered only `bytes` of the reserved space: 0 where it has no sink and gets none.
  func limitReservedSpace(to bytes: Int64, of key: UploadKey)

  /// Drops what is held of an unfinished upload that has no sink. What is not there is no failure.
  func discard(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Removes, durably, all that is held of an upload that failed, which may have been complete: by what the ledger has of
  /// it. What is not there, as its consumer has taken it away, is no failure.
  func remove(_ upload: UploadRecord, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Which of these complete uploads have no file in its place any more, because somebody took it away. Fails with
  /// ``SinkFailure`` where that cannot be found out, which is not the same.
  func departed(_ uploads: [UploadRecord], on eventLoop: any EventLoop) -> EventLoopFuture<[UploadKey]>

  /// Tells from now on, on any thread, which complete uploads somebody may just have taken away; and with `nil` that
  /// it may have missed some. Once for each place; until ``stop()``.
  func watchDepartures(_ tell: @escaping @Sendable ([UploadKey]?) -> Void)

  /// Brings storage and ledger together after a crash; called once at start, before any sink.
  ///
  /// What is there and belongs to no open upload is removed, where the place is this gateway's alone.
  /// - Parameters:
  ///   - unfinished: the ledger's open uploads of this forwarder's route.
  ///   - others: its open uploads of other routes, of which a place may have the bytes whose route is called otherwise now.
  /// - Throws: ``SinkFailure`` where the place itself cannot be used.
  func recover(_ unfinished: [UploadRecord], besides others: Set<UploadKey>) async throws -> RecoveredPlace

  /// What it can do, and what it cannot.
  var traits: ForwarderTraits { get }

  /// Another process takes over the place, and looks after it from now on; sinks that are open go on to their end here.
  func handOver()

  /// The gateway goes away, and no sink is left: lets go of what the forwarder holds beyond its sinks.
  func stop() async
}

extension Forwarder {
  /// Nothing.
  package func initialState(of upload: SinkUpload) -> String? { nil }

  /// There is space for everything.
  package func reserveSpace(_ request: SpaceRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    eventLoop.makeSucceededFuture(request.bytes)
  }

  /// Nothing was reserved.
  package func limitReservedSpace(to bytes: Int64, of key: UploadKey) {}

  /// Nothing is held of what is complete.
  package func remove(_ upload: UploadRecord, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    discard(upload.key, on: eventLoop)
  }

  /// None: nothing is held of what is complete.
  package func departed(_ uploads: [UploadRecord], on eventLoop: any EventLoop) -> EventLoopFuture<[UploadKey]> {
    eventLoop.makeSucceededFuture([])
  }

  /// Nothing is there to be taken away.
  package func watchDepartures(_ tell: @escaping @Sendable ([UploadKey]?) -> Void) {}

  /// There is nothing that only one process may have.
  package func handOver() {}

  /// Nothing is held.
  package func stop() async {}
}
