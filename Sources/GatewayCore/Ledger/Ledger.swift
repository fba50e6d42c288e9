package import NIOCore

/// The durable truth: uploads, their offsets and owners, and the quota they take.
///
/// Every call is one transaction: state and quota change together or not at all. It survives the gateway's end before its
/// future succeeds, and a power cut too, but for some, which one may take back, with all that follows, until another call
/// has changed something: ``open(_:on:)`` and ``extend(_:on:)``, and ``complete(_:on:)`` of what is provable from disk,
/// which is flushed soon after.
/// Whoever has to hear of a change is recorded with it (``Event``), once: a call that succeeds again records nothing.
/// A call that changes an upload names the `epoch` of the lease under which it writes. Where another has taken the upload
/// over since, the call fails with ``LedgerError/fenced`` and changes nothing. All futures fail with ``LedgerError``
/// alone, and complete on the given event loop.
package protocol Ledger: Sendable {
  /// Records a new upload, and reserves for it what the quotas leave, up to ``Reservation/wanted``.
  ///
  /// Fails with ``LedgerError/quota`` where that is nothing and something was wanted, or where it is not all and
  /// ``Reservation/takesPart`` is false; with ``LedgerError/crowded`` above ``Reservation/unfinishedLimit`` or
  /// ``Reservation/clientUnfinishedLimit``.
  func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease>

  /// The upload as it is, or `nil` where there never was one, or it was dropped.
  func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?>

  /// Gives an unfinished upload to a new connection: its epoch rises by one, which fences the lease before, and what is
  /// not yet granted of its total is reserved as far as the quotas leave it (nothing more is no failure here).
  ///
  /// Fails with ``LedgerError/unknown`` where the upload is not open (any more), and with ``LedgerError/held`` where
  /// another gateway has a lease on it that has not ended.
  func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease>

  /// Reserves more for an open upload, as far as the quotas leave it, and says where its grant ends then, in bytes from the
  /// stream's start: behind what was granted before, and never behind ``GrantExtension/end`` unless it was already.
  ///
  /// Fails with ``LedgerError/quota`` where they leave nothing.
  func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64>

  /// Moves the safe offset. `from` must be the offset before, and `to` at most what is granted, or it is fenced.
  /// Expiry and the store's state move along.
  func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Moves the expiry of uploads that connections of this gateway have. What is fenced is passed over.
  func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// The upload is complete: its reservation ends, and what it takes of its quotas is used. A size that cannot be is
  /// fenced, and so is a part (``UploadRole/part``), which is never complete. Succeeds again for what is complete already under the same lease with the same size.
  func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// An open upload can never be completed, and its client shall hear so until `expiresAt`: its reservation is given
  /// back, and its record stays. Succeeds again for what has failed already under the same lease.
  func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void>

  /// Complete uploads, oldest first.
  func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]>

  /// The files of complete uploads are not in their places any more (``UploadRecord/FileState/gone``), or are about to be
  /// removed (``UploadRecord/FileState/leaving``): what they used of quotas without a window is free again. Their records stay.
  /// What is not complete, is so already, or was gone before, is passed over.
  ///
  /// That files leave survives a power cut before its future succeeds; that they are gone can be found out again.
  /// - Returns: those that were changed.
  func depart(
    _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadKey]>

  /// Forgets the complete uploads that ``complete(_:on:)`` of the same would say, as the files of none of them count any more. Their
  /// keys are unknown from then on.
  ///
  /// - Returns: how many.
  func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int>

  /// A complete upload is there no more: what it used of the quotas without a window is free again. The key is unknown
  /// from then on. Fails with ``LedgerError/unknown`` for one that is not complete.
  func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// A complete upload is to be removed: what it used of the quotas without a window is free again, and it is failed until
  /// ``release(_:epoch:events:on:)``, under the epoch that it has. Fails with ``LedgerError/unknown`` for one that is not complete.
  func retract(
    _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void>

  /// Drops an upload that is open or failed, and gives its reservation back. The key is unknown from then on. Succeeds
  /// where there is none; fails with ``LedgerError/unknown`` for one that is complete. Of one that had failed already
  /// nothing is told any more.
  func release(
    _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void>

  /// The uploads that are open or failed, and that `holder` has a lease on, or nobody.
  func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]>

  /// Those of ``unfinished(of:on:)`` that expire at `time` or before.
  func expired(at time: WallTime, of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]>

  /// Forgets the quotas of windows that began before `start`, where nothing is reserved in them any more.
  func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// Events that are due, of each upload the oldest of this target alone, the longest due first. All of them, and what they
  /// tell of, survive a power cut by then.
  func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch>

  /// Forgets an event that its target has. One that is not there is no failure. A power cut may bring it back.
  ///
  /// - Parameter hastens: whether all others of the target are due at once.
  func delivered(_ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// An event was sent in vain. One that is not there is no failure. A power cut may take it back.
  func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void>

  /// What is used and reserved of each quota, ordered by route and subject.
  func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]>
}

extension Ledger {
  /// The same, of which nobody has to hear.
  package func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> { fail(key, epoch: epoch, expiresAt: expiresAt, events: [], on: eventLoop) }

  /// The same, of which nobody has to hear.
  package func retract(
    _ key: UploadKey, expiresAt: WallTime, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> { retract(key, expiresAt: expiresAt, events: [], on: eventLoop) }

  /// The same, of which nobody has to hear.
  package func release(_ key: UploadKey, epoch: Int64, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    release(key, epoch: epoch, events: [], on: eventLoop)
  }
}

/// Why the ledger did not do what was asked. Nothing changed.
package enum LedgerError: Error, Hashable, Codable, Sendable {
  /// The quotas leave `available` bytes, and that was not enough. `windows` are those that were too small, where all
  /// of these have a window and so another try may come out better when it ends; else it is empty.
  case quota(available: Int64, windows: [QuotaCap] = [])
  /// The route, or the client on it, has as many unfinished uploads as it may.
  case crowded
  /// Another has taken the upload over, or its offset is not what the caller took it for.
  case fenced
  /// Another gateway, of this name, has the upload.
  case held(by: String)
  /// No such unfinished upload.
  case unknown
  /// The database could not be reached for as long as the call was worth waiting for. It may have been done.
  case away(String)
  /// The ledger is another process's by now, which has taken over from this gateway: only what is under way is still recorded.
  case handedOver
  /// The engine failed, in its own words: full disk, damaged file, closed. Where the disk failed in the commit itself, a
  /// power cut may still bring the change back.
  case engine(String)
}
