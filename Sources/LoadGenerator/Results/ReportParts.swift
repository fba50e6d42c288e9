extension LoadReport {
  /// What was to be done.
  package struct Shape: Codable, Hashable, Sendable {
    /// Whether the levels are uploads per second or clients.
    package var loop: Scenario.Loop
    /// How uploads are spread over time; of an open loop alone.
    package var arrivals: Scenario.Arrivals?
    /// The levels.
    package var stages: [Stage]
    /// The most uploads to begin.
    package var count: Int?
    /// Addresses, without credentials.
    package var targets: [String]
    /// A line for each kind of upload.
    package var uploads: [String]
    /// A line on how uploads connect.
    package var connection: String
    /// The shares of the faults, by ``FaultKind``.
    package var faults: [String: Double]
    /// The seed of all random choices.
    package var seed: UInt64

    /// A part of the run.
    package struct Stage: Codable, Hashable, Sendable {
      /// Nil: until the count is reached.
      package var seconds: Double?
      /// The level when it begins.
      package var from: Double
      /// The level when it ends.
      package var to: Double
    }
  }

  /// The distribution of one kind of time, in seconds.
  package struct Latency: Codable, Hashable, Sendable {
    /// How coordinated omission is met.
    package enum Correction: String, Codable, Sendable {
      /// Measured from the moment that the schedule asked for.
      case intendedStart = "intended-start"
      /// What a client that waited could not measure is filled in, at the expected interval.
      case expectedInterval = "expected-interval"
      /// Not corrected: it is the time that the service took.
      case none
    }

    /// A point of the distribution.
    package struct Point: Codable, Hashable, Sendable {
      /// From 0 to 100.
      package var percentile: Double
      /// No more than this for so many percent.
      package var seconds: Double
      /// How many are at or below.
      package var count: UInt64
    }

    /// How many are measured, with those that a correction filled in.
    package var count: UInt64
    /// How many were filled in.
    package var filledIn: UInt64
    /// How coordinated omission is met.
    package var correction: Correction
    /// With ``Correction/expectedInterval``: the interval.
    package var expectedInterval: Double?
    /// All are 0 where nothing was measured.
    package var min: Double
    /// The arithmetic mean.
    package var mean: Double
    /// Half are at or below.
    package var p50: Double
    /// 90 % are at or below.
    package var p90: Double
    /// 99 % are at or below.
    package var p99: Double
    /// 99.9 % are at or below.
    package var p999: Double
    /// The longest.
    package var max: Double
    /// The whole distribution, denser towards 100 %, for a plot over a logarithmic axis.
    package var points: [Point]
  }

  /// The generator itself.
  package struct Generator: Codable, Hashable, Sendable {
    /// Event loops.
    package var threads: Int
    /// Processor time in user mode.
    package var userSeconds: Double
    /// Processor time in the kernel.
    package var systemSeconds: Double
    /// Processor time for each second and thread: 1 is a core at its limit.
    package var load: Double
    /// Processor time for each GiB sent; nil where less than 1 MiB was sent.
    package var cpuSecondsPerGiB: Double?
    /// The most memory that was resident, in bytes.
    package var peakMemory: Int64
    /// How late uploads were begun that were due and not held back by ``Scenario/inFlight``; of an open loop.
    package var slip: Latency?
    /// Whether the generator, not the server, is likely to have been the limit.
    package var isBottleneck: Bool
  }

  /// The gateway's own account of the run beside the client's.
  package struct Account: Codable, Hashable, Sendable {
    /// Complete uploads by the client, and by the ledger of those.
    package var clientCompleted: Int
    /// Of those, how many the ledger has as complete.
    package var gatewayCompleted: Int
    /// Bytes of complete uploads by the client.
    package var clientBytes: Int64
    /// Bytes of those by the ledger.
    package var gatewayBytes: Int64
    /// Uploads that the ledger has as complete since the run began, and the client does not know to be: their final
    /// packets were lost, or others upload too.
    package var onlyGateway: Int
    /// Uploads that the ledger has as unfinished since the run began.
    package var open: Int
    /// Quotas that changed.
    package var quotas: [Quota]
    /// What does not agree, for a person; at most 20.
    package var differences: [String]

    /// A quota before and after.
    package struct Quota: Codable, Hashable, Sendable {
      /// The route's path.
      package var route: String
      /// Whom it is for; empty for the route itself.
      package var subject: String
      /// Start of its window, if it has one.
      package var window: Int64?
      /// Bytes that complete uploads hold, before the run.
      package var usedBefore: Int64
      /// And after.
      package var usedAfter: Int64
      /// Bytes that unfinished uploads reserve, before the run.
      package var reservedBefore: Int64
      /// And after.
      package var reservedAfter: Int64
    }
  }

  /// A threshold and what was measured.
  package struct ThresholdResult: Codable, Hashable, Sendable {
    /// As it was written.
    package var expectation: String
    /// In the unit of the measure: seconds, bytes a second, or a number. Nil where there was nothing to measure.
    package var measured: Double?
    /// The same for a person.
    package var text: String
    /// Whether it is met. One without anything to measure is not.
    package var isMet: Bool
  }
}
