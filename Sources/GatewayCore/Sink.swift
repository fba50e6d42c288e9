public import NIOCore

/// Takes the bytes of one upload, in order. Lives on one event loop and never blocks it.
///
/// Calls come in this order: `write` and `checkpoint` any number of times after ``SinkEvent/opened``, then one of `finish`,
/// `suspend`, `abandon`, and nothing after it. After ``SinkEvent/failed``, also of an opening, only `abandon` or `suspend` may follow. `finish` and
/// `suspend` may come before a checkpoint is answered.
/// Offsets in events count from the stream's start.
public protocol Sink: AnyObject {
  /// Takes the next bytes. The caller bounds how many are taken and not yet passed on (``SinkEvent/took``).
  func write(_ bytes: ByteBuffer)

  /// Makes everything written so far safe; answered by ``SinkEvent/safe``. One at a time.
  func checkpoint()

  /// All bytes were written: makes them safe, compares the digest, and gives the upload its final place.
  /// Answered by ``SinkEvent/finished``.
  func finish()

  /// Makes safe what was written and lets go of it, for a later sink to go on with; answered by
  /// ``SinkEvent/suspended``, also after a failure.
  func suspend()

  /// Lets go of the upload and removes what is held of it; no event follows.
  func abandon()
}

/// What a sink says.
public enum SinkEvent: Sendable {
  /// Ready for bytes.
  case opened
  /// The bytes before `offset` hold no memory of the gateway any more.
  case took(upTo: Int64)
  /// The bytes before `offset` survive a power cut (or were taken by the backend).
  case safe(upTo: Int64)
  /// Everything is safe and in its final place.
  case finished(digest: ContentDigest?)
  /// The bytes before `offset` are safe, and the sink has let go.
  case suspended(at: Int64)
  /// The sink cannot go on.
  case failed(SinkFailure)
}

/// Why a sink cannot go on.
public enum SinkFailure: Error, Hashable, Sendable {
  /// No space is left (`ENOSPC`, `EDQUOT`).
  case full
  /// The store failed: what was tried, on what, and the system's word.
  case storage(String)
  /// The digest of what arrived is another than announced.
  case digest(computed: ContentDigest)
}
