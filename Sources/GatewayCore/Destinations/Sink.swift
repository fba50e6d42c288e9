package import NIOCore

/// Takes the bytes of one upload, in order. Lives on one event loop and never blocks it.
///
/// Calls come in this order: `write` and `checkpoint` any number of times after ``SinkEvent/opened``, then one of `finish`,
/// `suspend`, `abandon`, and nothing after it. After ``SinkEvent/failed``, also of an opening, only `abandon` or `suspend` may follow. `finish` and
/// `suspend` may come before a checkpoint is answered.
/// Offsets in events count from the stream's start.
package protocol Sink: AnyObject {
  /// Where the bytes go, for the operator to read; `nil` while that is not known.
  var place: SinkPlace? { get }

  /// Takes the next bytes. The caller bounds how many are taken and not yet passed on (``SinkEvent/consumed(upTo:)``).
  func write(_ bytes: ByteBuffer)

  /// Makes everything written so far safe, or as much of it as the place allows (``ForwarderTraits/granularity``); answered
  /// by ``SinkEvent/safe(upTo:state:)``. One at a time.
  func checkpoint()

  /// All bytes were written: makes them safe, compares the digest, and gives the upload its final place.
  /// Answered by ``SinkEvent/finished``.
  func finish()

  /// Makes safe what was written, or as much of it as the place allows, and lets go of it, for a later sink to go on with;
  /// answered by ``SinkEvent/suspended(at:state:)``, also after a failure.
  func suspend()

  /// Lets go of the upload and removes what is held of it; no event follows.
  func abandon()
}

/// Where a sink's bytes go.
package enum SinkPlace: Hashable, Sendable {
  /// A file in a folder, below which ``SinkResult/location`` is.
  case folder(String)
  /// A backend, as in the configuration.
  case backend(String)
}

extension Sink {
  /// Nowhere that an operator could look.
  package var place: SinkPlace? { nil }
}

/// A sink that takes bytes from other uploads of its forwarder as well (``ForwarderTraits/assembles``).
package protocol CopyingSink: Sink {
  /// Takes bytes of an unfinished upload as the next ones; answered by ``SinkEvent/consumed(upTo:)`` once they are there,
  /// whatever comes of their source afterwards. One at a time, and no ``Sink/write(_:)`` meanwhile.
  func copy(_ slice: PartSlice)
}

/// Bytes of an unfinished upload, all of them safe, for another one.
package struct PartSlice: Sendable {
  /// Which upload.
  package var part: SinkUpload
  /// Which bytes of it; not empty.
  package var range: Range<Int64>

  /// Both.
  package init(part: SinkUpload, range: Range<Int64>) {
    self.part = part
    self.range = range
  }
}

/// What a sink says.
package enum SinkEvent: Sendable {
  /// Ready for bytes.
  case opened
  /// In place of ``opened``, and the last event: an earlier sink had brought all `size` bytes to their final place, safe,
  /// and the ledger was not told.
  case found(size: Int64, SinkResult)
  /// The bytes before the offset hold no memory of the gateway any more.
  case consumed(upTo: Int64)
  /// The bytes before the offset survive a power cut (or were taken by the backend). `state` is what the forwarder has to
  /// know of the upload from now on (``UploadRecord/storeState``); `nil` where that is as it was.
  case safe(upTo: Int64, state: String? = nil)
  /// Everything is safe and in its final place.
  case finished(SinkResult)
  /// The bytes before the offset are safe, and the sink has let go. `state` as in ``safe(upTo:state:)``.
  case suspended(at: Int64, state: String? = nil)
  /// The sink cannot go on.
  case failed(SinkFailure)
}

/// What a sink made of a whole upload.
package struct SinkResult: Hashable, Sendable {
  /// Of the upload's bytes, where one was announced, or ``TransferTerms/digest`` says more.
  package var digest: ContentDigest?
  /// What the upload takes up in its place, in bytes; `nil` where that is the upload's own size.
  package var stored: Int64?
  /// A backend's answer for the client.
  package var reply: ByteBuffer?
  /// Where the upload is, in the forwarder's own words (a path below the store's directory); `nil` where it is nowhere.
  package var location: String?
  /// Whether the place shows, also after a power cut, that the upload is complete, while the ledger's record of its being
  /// open survives one too: then ``Forwarder/recover(_:besides:)`` says so, should the ledger have forgotten it.
  package var isProvableFromDisk: Bool

  /// All of it.
  package init(
    digest: ContentDigest? = nil, stored: Int64? = nil, reply: ByteBuffer? = nil, location: String? = nil,
    isProvableFromDisk: Bool = false
  ) {
    self.digest = digest
    self.stored = stored
    self.reply = reply
    self.location = location
    self.isProvableFromDisk = isProvableFromDisk
  }
}

/// Why a sink cannot go on.
package enum SinkFailure: Error, Hashable, Sendable {
  /// No space is left (`ENOSPC`, `EDQUOT`).
  case full
  /// The store failed: what was tried, on what, and the system's word.
  case storage(String)
  /// The digest of what arrived is another than announced.
  case digest(computed: ContentDigest)
  /// The bytes are not what their format says.
  case content(ContentFault)
  /// Who judges whole uploads before they are complete does not want it, and why, without a word of the client's own.
  case rejected(String)
  /// The backend cannot be reached, refused, or broke off: what it has of the upload is of no use.
  case backend(String)
  /// The backend was silent for too long.
  case backendTimeout(String)
}

/// Where bytes are not what their format says.
package struct ContentFault: Error, Hashable, Sendable {
  /// Of the first byte that cannot be, from the stream's start.
  package var offset: Int64
  /// What was wrong with it, for a person, without a word of the client's own.
  package var reason: String

  /// A fault at `offset`.
  package init(offset: Int64, reason: String) {
    self.offset = offset
    self.reason = reason
  }
}
