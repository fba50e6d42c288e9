package import NIOCore

/// What gateways over one ledger tell each other through it. Each has one lease, on all the uploads that it holds, which runs
/// out by the ledger's own clock unless it is prolonged. All futures fail with ``LedgerError`` alone.
package protocol SharedLeases: Sendable {
  /// Prolongs the gateway's lease, which has to have been begun and not to have run out.
  ///
  /// - Parameter milliseconds: how long it lasts from when the ledger gets the call.
  func prolong(
    of holder: String, for milliseconds: Int64, on eventLoop: any EventLoop
  ) -> EventLoopFuture<LeaseProlongation>

  /// Begins the gateway's lease, for the first time or after it has run out.
  func begin(
    of holder: String, for milliseconds: Int64, on eventLoop: any EventLoop
  ) -> EventLoopFuture<LeaseProlongation>

  /// Ends the gateway's lease: whatever it still holds is anybody's.
  func end(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// The uploads of this gateway that others wait for.
  func wanted(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[WantedUpload]>

  /// Nobody here has the upload: it is anybody's, unless something has happened to it since it was wanted.
  func letGo(of upload: WantedUpload, by holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<Void>
}

/// What came of prolonging a lease.
package struct LeaseProlongation: Hashable, Sendable {
  /// Whether the gateway has a lease now; if not, it had run out, and others may have taken what was held under it.
  package var isHeld: Bool
  /// The ledger's clock.
  package var now: WallTime

  /// Both.
  package init(isHeld: Bool, now: WallTime) {
    self.isHeld = isHeld
    self.now = now
  }
}

/// An upload that somebody waits for at another gateway.
package struct WantedUpload: Hashable, Sendable {
  /// Which.
  package var key: UploadKey
  /// The lease under which it is held.
  package var epoch: Int64
  /// The route's path.
  package var route: String

  /// All of it.
  package init(key: UploadKey, epoch: Int64, route: String) {
    self.key = key
    self.epoch = epoch
    self.route = route
  }
}
