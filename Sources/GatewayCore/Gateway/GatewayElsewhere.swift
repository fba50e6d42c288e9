package import NIOCore

// Uploads that another process of this gateway still has, while it is about to end.
extension Gateway {
  /// A lock on one of them. Here it keeps recovery and expiry away, and who resumes the upload has it let go of first.
  package struct ElsewhereLock: Sendable {
    fileprivate let lock: UploadLocks.Lock
  }

  /// Locks an upload that the other process has.
  ///
  /// - Parameter letGo: asks it to make safe what arrived and to let go, since somebody here wants the upload. Called once, from
  ///   any thread.
  /// - Returns: fails where a connection of this process has it.
  package func lockElsewhere(
    _ facts: UploadFacts, on eventLoop: any EventLoop, letGo: @escaping @Sendable () -> Void
  ) -> EventLoopFuture<ElsewhereLock> {
    let connected = gatekeeper.routes[facts.route]?.connected ?? ConnectedUploads()
    return locks.lock(
      UploadLocks.Request(key: facts.key, connected: connected, subject: facts.subject), on: eventLoop, letGo: letGo
    ).map { ElsewhereLock(lock: $0) }
  }

  /// The other process has it no more: whoever waits for it goes on.
  package func unlock(_ lock: ElsewhereLock) { locks.unlock(lock.lock) }

  /// Has whatever connection has the upload make safe what arrived, and let go of it; succeeds when none has it.
  package func letGo(of key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    locks.lock(
      UploadLocks.Request(key: key, connected: ConnectedUploads(), subject: ""), on: eventLoop, letGo: {}
    ).map { self.locks.unlock($0) }
      // Somebody newer came between, who is refused soon.
      .flatMapError { _ in self.letGo(of: key, on: eventLoop) }
  }

  /// The open uploads that this gateway, in whatever process, has a lease on, or nobody.
  package func openUploads(on eventLoop: any EventLoop) async throws -> [UploadRecord] {
    try await ledger.unfinished(of: settings.holder, on: eventLoop).get().filter { $0.state == .open }
  }
}
