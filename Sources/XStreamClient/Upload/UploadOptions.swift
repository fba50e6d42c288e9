public import Logging
public import XStream

/// What an upload asks for, and how patient it is.
public struct UploadOptions: Sendable {
  /// What the bytes are.
  public var format: StreamFormat
  /// The portion size that the client would like, in bytes, at least 1.
  public var buffer: Int64
  /// The server reports progress each time so many more bytes are safe, at least 1. Nil: 8 MiB, or an eighth of the
  /// window for a source that cannot go back.
  public var acknowledgeEvery: Int64?
  /// The file's own name, a label.
  public var name: StreamName?
  /// Compute SHA-256 of a source that can be read twice, before it is sent; the server compares.
  public var computesDigest: Bool
  /// The SHA-256 of the whole source, where the caller knows it already. The server compares.
  public var digest: StreamDigest?
  /// The stream of an earlier run to go on with.
  public var resume: ResumePoint?
  /// The upload of an earlier run to go on with, over HTTP. It takes a ``proof``.
  public var place: HTTPPlace?
  /// At an `https` URL, let the server choose x-stream where it speaks that.
  public var speaksXStream = true
  /// What an earlier run read of the file. The upload goes on only if the file still begins so. A file that is resumed
  /// without it is proved by a digest of the whole, which the server compares in the end.
  public var proof: PrefixProof?
  /// Told what will have been sent of a file, before it is sent: whoever keeps the last one can give it to a later run
  /// as ``proof``. Called on a thread of the pool, in order; the upload waits.
  public var onProof: (@Sendable (PrefixProof) -> Void)?
  /// Begin anew where the server does not know the stream of ``resume`` any more, or can never complete it. A stream
  /// that this run began it does not begin anew because it is unknown: somebody has taken it over or given it up.
  public var restartsUnknownStream: Bool
  /// When to try again.
  public var retry: RetryPolicy
  /// Where the upload is kept, so that a later run with the same file and URL goes on with it, however this one ends; see
  /// <doc:GoingOn>. It takes care of ``resume``, ``place``, ``proof`` and ``onProof``, and has no effect beside an earlier
  /// run's upload that is given in these.
  public var folder: StateFolder?
  /// The trace that the upload belongs to. Every open packet and every HTTP request carries it, and the gateway's log lines
  /// and its backend's packets have it too.
  public var traceparent: TraceParent?
  /// Told how the upload goes: what is to be expected at `debug`, progress at `trace`, and a failure that is followed by
  /// another try at `info`. No line has a key or a token.
  public var logger: Logger?

  /// Options; all have defaults that suit a file of any size.
  public init(
    format: StreamFormat = .bytes, buffer: Int64 = 64 << 10, acknowledgeEvery: Int64? = nil, name: StreamName? = nil,
    computesDigest: Bool = false, digest: StreamDigest? = nil, resume: ResumePoint? = nil,
    restartsUnknownStream: Bool = true, retry: RetryPolicy = RetryPolicy(), folder: StateFolder? = nil,
    traceparent: TraceParent? = nil, logger: Logger? = nil
  ) {
    self.format = format
    self.buffer = buffer
    self.acknowledgeEvery = acknowledgeEvery
    self.name = name
    self.computesDigest = computesDigest
    self.digest = digest
    self.resume = resume
    self.restartsUnknownStream = restartsUnknownStream
    self.retry = retry
    self.folder = folder
    self.traceparent = traceparent
    self.logger = logger
  }
}

/// When to try again, and how long: exponential backoff with jitter.
public struct RetryPolicy: Hashable, Sendable {
  /// The first delay; each further try without progress doubles it.
  public var initialDelay: Duration
  /// The longest delay, unless the server asks for a longer one.
  public var maximumDelay: Duration
  /// How long to go on without one more byte getting safe. Zero: one try only.
  public var patience: Duration

  /// A policy.
  public init(
    initialDelay: Duration = .milliseconds(500), maximumDelay: Duration = .seconds(30),
    patience: Duration = .seconds(600)
  ) {
    self.initialDelay = initialDelay
    self.maximumDelay = maximumDelay
    self.patience = patience
  }

  /// The delay before a try.
  ///
  /// - Parameters:
  ///   - failures: tries in a row without progress before this one, from 1.
  ///   - jitter: 0 to 1. The delay is between half and all of the exponential one, so that clients that were cut off
  ///     together do not come back together.
  func delay(failures: Int, jitter: Double) -> Duration {
    var delay = initialDelay
    for _ in 1..<max(1, failures) where delay < maximumDelay { delay = delay * 2 }
    return min(delay, maximumDelay) * (0.5 + jitter / 2)
  }
}
