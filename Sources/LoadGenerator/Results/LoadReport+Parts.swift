extension LoadReport {
  /// What was to be done.
  public struct Shape: Codable, Hashable, Sendable {
    /// Whether the levels are uploads per second or clients.
    public var loop: Scenario.Loop
    /// Of an open loop.
    public var arrivals: Scenario.Arrivals?
    /// The levels.
    public var stages: [Stage]
    /// The most uploads to begin.
    public var count: Int?
    /// Addresses, without credentials.
    public var targets: [String]
    /// A line for each kind of upload.
    public var uploads: [String]
    /// A line on how uploads connect.
    public var connection: String
    /// The shares of the faults, by ``FaultKind``.
    public var faults: [String: Double]
    /// What everything random came from.
    public var seed: UInt64

    /// A part of the run.
    public struct Stage: Codable, Hashable, Sendable {
      /// Nil: until the count is reached.
      public var seconds: Double?
      /// The level when it begins.
      public var from: Double
      /// The level when it ends.
      public var to: Double
    }
  }

  /// The distribution of one kind of time, in seconds.
  public struct Latency: Codable, Hashable, Sendable {
    /// How coordinated omission is met.
    public enum Correction: String, Codable, Sendable {
      /// Measured from the moment that the schedule asked for.
      case intendedStart = "intended-start"
      /// What a client that waited could not measure is filled in, at the expected interval.
      case expectedInterval = "expected-interval"
      /// Not: it is a time of service.
      case none
    }

    /// A point of the distribution.
    public struct Point: Codable, Hashable, Sendable {
      /// From 0 to 100.
      public var percentile: Double
      /// No more than this for so many percent.
      public var seconds: Double
      /// How many are at or below.
      public var count: UInt64
    }

    /// How many are measured, with those that a correction filled in.
    public var count: UInt64
    /// How many were filled in.
    public var filledIn: UInt64
    /// How coordinated omission is met.
    public var correction: Correction
    /// With ``Correction/expectedInterval``: the interval.
    public var expectedInterval: Double?
    /// All are 0 where nothing was measured.
    public var min: Double
    /// The arithmetic mean.
    public var mean: Double
    /// Half are at or below.
    public var p50: Double
    /// 90 % are at or below.
    public var p90: Double
    /// 99 % are at or below.
    public var p99: Double
    /// 99.9 % are at or below.
    public var p999: Double
    /// The longest.
    public var max: Double
    /// The whole distribution, denser towards 100 %, for a plot over a logarithmic axis.
    public var points: [Point]
  }

  /// The generator itself.
  public struct Generator: Codable, Hashable, Sendable {
    /// Event loops.
    public var threads: Int
    /// Processor time in user mode.
    public var userSeconds: Double
    /// Processor time in the kernel.
    public var systemSeconds: Double
    /// Processor time for each second and thread: 1 is a core at its limit.
    public var load: Double
    /// Processor time for each GiB sent; nil where less than 1 MiB was sent.
    public var cpuSecondsPerGiB: Double?
    /// The most memory that was resident, in bytes.
    public var peakMemory: Int64
    /// How late uploads were begun that were due and not held back by ``Scenario/inFlight``; of an open loop.
    public var slip: Latency?
    /// Whether the generator, not the server, is likely to have been the limit.
    public var isBottleneck: Bool
  }

  /// The gateway's own account of the run beside the client's.
  public struct Account: Codable, Hashable, Sendable {
    /// Complete uploads by the client, and by the ledger of those.
    public var clientCompleted: Int
    /// Of those, how many the ledger has as complete.
    public var gatewayCompleted: Int
    /// Bytes of complete uploads by the client.
    public var clientBytes: Int64
    /// Bytes of those by the ledger.
    public var gatewayBytes: Int64
    /// Uploads that the ledger has as complete since the run began, and the client does not know to be: their final
    /// packets were lost, or others upload too.
    public var onlyGateway: Int
    /// Uploads that the ledger has as unfinished since the run began.
    public var open: Int
    /// Quotas that changed.
    public var quotas: [Quota]
    /// What does not agree, for a person; at most 20.
    public var differences: [String]

    /// A quota before and after.
    public struct Quota: Codable, Hashable, Sendable {
      /// The route's path.
      public var route: String
      /// Whom it is for; empty for the route itself.
      public var subject: String
      /// Start of its window, if it has one.
      public var window: Int64?
      /// Bytes that complete uploads hold, before the run.
      public var usedBefore: Int64
      /// And after.
      public var usedAfter: Int64
      /// Bytes that unfinished uploads reserve, before the run.
      public var reservedBefore: Int64
      /// And after.
      public var reservedAfter: Int64
    }
  }

  /// A threshold and what was measured.
  public struct ThresholdResult: Codable, Hashable, Sendable {
    /// As it was written.
    public var expectation: String
    /// In the unit of the measure: seconds, bytes a second, or a number. Nil where there was nothing to measure.
    public var measured: Double?
    /// The same for a person.
    public var text: String
    /// Whether it is met. One without anything to measure is not.
    public var isMet: Bool
  }
}
