internal import NIOCore

/// Told to ``TLSHandler`` as an outbound user event: so many bytes of plaintext may come before the peer waits for an
/// answer. Without it a connection's socket wakes its event loop for every segment.
public struct ExpectedPlaintext: Sendable {
  /// How many bytes of plaintext may come.
  public var count: Int64
  /// The offset in its upload of the first of them. Buffers of plaintext are aligned to it
  /// (``NIOCore/ByteBuffer/beginAligned(to:)``).
  public var offset: Int64

  /// `count` bytes from now on.
  public init(count: Int64, from offset: Int64) {
    self.count = count
    self.offset = offset
  }
}

/// Decides how much has to have arrived before a socket wakes its event loop (`SO_RCVLOWAT` in socket(7)).
///
/// A fast sender wakes its reader for each segment or two. While bytes come in full flow, waiting for more of them
/// saves most of those turns and costs no time that anybody could measure. The last bytes of an upload must not wait,
/// nor those of a sender that slows down, which a timer sees. The owner has the clock and the timer.
struct ReceiveThreshold {
  /// The threshold in full flow, in bytes.
  static let bulk = 256 << 10
  /// Bytes are in full flow when this many come...
  static let sampleSize = 4 << 20
  /// ...within this time.
  static let sampleTime = TimeAmount.milliseconds(40)
  /// How often ``look()`` is to be called while the threshold is raised: the longest that bytes wait for others.
  static let lookInterval = TimeAmount.milliseconds(10)

  enum Change: Equatable {
    case none
    case raise
    case lower
  }

  /// Bytes of plaintext that may still come.
  var expected: Int64 = 0
  private(set) var isRaised = false
  private var hasReceived = false
  private var sampleBytes = 0
  private var sampleStart = NIODeadline.distantPast

  /// So many bytes of plaintext have come.
  mutating func received(_ count: Int, now: NIODeadline) -> Change {
    expected = max(0, expected - Int64(count))
    if isRaised {
      hasReceived = true
      return expected <= 2 * Int64(Self.bulk) ? lower(now) : .none
    }
    if sampleBytes == 0 { sampleStart = now }
    sampleBytes += count
    guard sampleBytes >= Self.sampleSize else { return .none }
    sampleBytes = 0
    guard now - sampleStart <= Self.sampleTime, expected > 4 * Int64(Self.bulk) else { return .none }
    isRaised = true
    hasReceived = true
    return .raise
  }

  /// Whether bytes still flow.
  mutating func look(now: NIODeadline) -> Change {
    guard isRaised, !hasReceived else {
      hasReceived = false
      return .none
    }
    return lower(now)
  }

  private mutating func lower(_ now: NIODeadline) -> Change {
    isRaised = false
    sampleBytes = 0
    return .lower
  }
}
