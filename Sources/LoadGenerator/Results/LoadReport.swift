/// What a run was and what came of it. Its JSON is documented in docs/load.md: times are in seconds, sizes in bytes,
/// moments in milliseconds since 1970.
public struct LoadReport: Codable, Hashable, Sendable {
  /// How a run ended.
  public enum Verdict: String, Codable, Sendable {
    /// Everything was done, and every threshold is met.
    case passed
    /// Everything was done, and some threshold is not met.
    case failed
    /// Somebody stopped it; the thresholds are of what was done until then.
    case interrupted
  }

  /// Of this format. Keys are added without a new version, but none changes its meaning.
  public var version = 1
  /// The program and its release.
  public var tool: String
  /// The scenario's name.
  public var name: String
  /// What it is for; empty if it does not say.
  public var purpose: String
  /// When the run began.
  public var startedAt: Int64
  /// From the first upload's intended start to the last one's end.
  public var seconds: Double
  /// How it ended.
  public var verdict: Verdict
  /// What was to be done.
  public var shape: Shape
  /// Sums over the run.
  public var totals: Totals
  /// How long things took.
  public var latency: Latencies
  /// One entry for each second, from 0 on, without a gap.
  public var timeline: [Second]
  /// Uploads by size, in classes that grow by 4; those without an upload are left out.
  public var sizes: [SizeClass]
  /// What went wrong without having been meant to, most frequent first.
  public var errors: [ErrorCount]
  /// What uploads went on after, by a resume or a new begin, most frequent first.
  public var setbacks: [ErrorCount]
  /// What went wrong on purpose, in the order of ``FaultKind/allCases``.
  public var faults: [FaultCount]
  /// What was held against the protocol.
  public var checks: [Check]
  /// What the gateway's own ledger says; nil if it was not asked.
  public var account: Account?
  /// The generator itself.
  public var generator: Generator
  /// The thresholds, in their order.
  public var thresholds: [ThresholdResult]
  /// What a reader of the figures should know, for a person.
  public var warnings: [String]

  /// Sums over the run.
  public struct Totals: Codable, Hashable, Sendable {
    /// Uploads that the schedule or the clients began, with faults or without. The next four add up to it.
    public var begun = 0
    /// Had status 0.
    public var completed = 0
    /// Ended by a fault as expected, without becoming complete.
    public var faulted = 0
    /// Ended in an error.
    public var failed = 0
    /// Were under way when the run ended.
    public var unfinished = 0
    /// Were due by the schedule, but never begun: the run ended first.
    public var missed = 0
    /// Bytes of the complete uploads.
    public var completedBytes: Int64 = 0
    /// Bytes of streams and payloads given to the connections, also those that were sent again.
    public var sentBytes: Int64 = 0
    /// Connections made.
    public var connections = 0
    /// Handshakes that resumed a session.
    public var resumedHandshakes = 0
    /// Times that an upload was begun again from its start.
    public var retries = 0
    /// Times that an upload was gone on with by its key.
    public var resumes = 0
    /// Progress packets received.
    public var progressPackets = 0
    /// Errors: uploads that failed, were unfinished or missed although there was time, and checks that did not hold.
    public var errors = 0

    /// Nothing yet.
    public init() {}
  }

  /// How long things took.
  public struct Latencies: Codable, Hashable, Sendable {
    /// From the first packet of TCP to the end of the TLS handshake.
    public var connect: Latency
    /// In an open loop from the moment an upload was due, else from its request, to the offer.
    public var offer: Latency
    /// From the last byte handed to the connection to the final packet.
    public var final: Latency
    /// The whole upload: in an open loop from the moment it was due, else from its begin, to status 0.
    public var upload: Latency
  }

  /// A time for each second of the run.
  public struct Second: Codable, Hashable, Sendable {
    /// Seconds since the run began.
    public var second: Int
    /// Uploads that began.
    public var begun = 0
    /// Uploads that became complete.
    public var completed = 0
    /// Uploads that failed, and faults that were answered otherwise than expected.
    public var errors = 0
    /// Bytes handed to the connections.
    public var sentBytes: Int64 = 0
    /// Bytes of the uploads that became complete.
    public var completedBytes: Int64 = 0
    /// Uploads under way at its end.
    public var open = 0
    /// Uploads that are due and wait for ``Scenario/inFlight``, at its end.
    public var waiting = 0
    /// Of the whole uploads that became complete in it; nil without one.
    public var p50: Double?
    /// The same.
    public var p99: Double?
    /// The same.
    public var max: Double?
    /// The generator's processor time.
    public var cpuSeconds = 0.0

    /// Nothing yet.
    public init(second: Int) { self.second = second }
  }

  /// Uploads of similar size.
  public struct SizeClass: Codable, Hashable, Sendable {
    /// The smallest size in it.
    public var from: Int64
    /// The largest size in it.
    public var to: Int64
    /// Complete uploads.
    public var completed: Int
    /// Their bytes.
    public var bytes: Int64
    /// Of the whole uploads.
    public var p50: Double
    /// The same.
    public var p99: Double
    /// The same.
    public var max: Double
  }

  /// Failures of one kind.
  public struct ErrorCount: Codable, Hashable, Sendable {
    /// `status`, `connect`, `tls`, `lost`, `silent`, `violation`, `fault`, `unfinished` or `missed`.
    public var kind: String
    /// The server's status; of kind `status` alone.
    public var status: Int?
    /// The status's name, or the kind.
    public var name: String
    /// How many.
    public var count: Int
    /// The first one's words.
    public var example: String
  }

  /// What became of one kind of fault.
  public struct FaultCount: Codable, Hashable, Sendable {
    /// Which.
    public var fault: FaultKind
    /// How often it was done.
    public var done: Int
    /// How often the answer was the expected one.
    public var asExpected: Int
    /// How often it was another one.
    public var unexpected: Int
    /// How often there was nothing to do it to: an upload of 0 bytes has no middle.
    public var notPossible: Int
    /// The first unexpected answer.
    public var example: String?
  }

  /// One thing that was checked.
  public struct Check: Codable, Hashable, Sendable {
    /// `final`, `offset`, `digest`, or `account`.
    public var check: String
    /// What is held against what, for a person.
    public var meaning: String
    /// How often it was looked at.
    public var checked: Int
    /// How often it did not hold.
    public var violations: Int
    /// The first that did not hold.
    public var example: String?
  }
}
