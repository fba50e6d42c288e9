/// What a run was and what came of it. Its JSON is documented in docs/load.md: times are in seconds, sizes in bytes,
/// moments in milliseconds since 1970.
package struct LoadReport: Codable, Hashable, Sendable {
  /// How a run ended.
  package enum Verdict: String, Codable, Sendable {
    /// Everything was done, and every threshold is met.
    case passed
    /// Everything was done, and some threshold is not met.
    case failed
    /// Somebody stopped it; the thresholds are of what was done until then.
    case interrupted
  }

  /// The version of this format. Keys are added without a new version, but none changes its meaning.
  package var version = 1
  /// The program and its release.
  package var tool: String
  /// The scenario's name.
  package var name: String
  /// What it is for; empty if it does not say.
  package var purpose: String
  /// When the run began.
  package var startedAt: Int64
  /// From the first upload's intended start to the last one's end.
  package var seconds: Double
  /// How it ended.
  package var verdict: Verdict
  /// What was to be done.
  package var shape: Shape
  /// Sums over the run.
  package var totals: Totals
  /// How long things took.
  package var latency: Latencies
  /// One entry for each second, from 0 on, without a gap.
  package var timeline: [Second]
  /// Uploads by size, in classes that grow by 4; those without an upload are left out.
  package var sizes: [SizeClass]
  /// What went wrong without having been meant to, most frequent first.
  package var errors: [ErrorCount]
  /// What uploads went on after, by a resume or a new begin, most frequent first.
  package var setbacks: [ErrorCount]
  /// What went wrong on purpose, in the order of ``FaultKind/allCases``.
  package var faults: [FaultCount]
  /// What was held against the protocol.
  package var checks: [Check]
  /// What the gateway's own ledger says; nil if it was not asked.
  package var account: Account?
  /// The generator itself.
  package var generator: Generator
  /// The thresholds, in their order.
  package var thresholds: [ThresholdResult]
  /// What a reader of the figures should know, for a person.
  package var warnings: [String]

  /// Sums over the run.
  package struct Totals: Codable, Hashable, Sendable {
    /// Uploads that the schedule or the clients began, with faults or without. The next four add up to it.
    package var begun = 0
    /// Had status 0.
    package var completed = 0
    /// Ended by a fault as expected, without becoming complete.
    package var faulted = 0
    /// Ended in an error.
    package var failed = 0
    /// Were under way when the run ended.
    package var unfinished = 0
    /// Were due by the schedule, but never begun: the run ended first.
    package var missed = 0
    /// Bytes of the complete uploads.
    package var completedBytes: Int64 = 0
    /// Bytes of streams and payloads given to the connections, also those that were sent again.
    package var sentBytes: Int64 = 0
    /// Connections made.
    package var connections = 0
    /// Handshakes that resumed a session.
    package var resumedHandshakes = 0
    /// Times that an upload was begun again from its start.
    package var retries = 0
    /// Times that an upload was gone on with by its key.
    package var resumes = 0
    /// Progress packets received.
    package var progressPackets = 0
    /// Errors: uploads that failed, were unfinished or missed although there was time, and checks that did not hold.
    package var errors = 0

    /// Nothing yet.
    package init() {}
  }

  /// How long things took.
  package struct Latencies: Codable, Hashable, Sendable {
    /// From the first packet of TCP to the end of the TLS handshake.
    package var connect: Latency
    /// In an open loop from the moment an upload was due, else from its request, to the offer.
    package var offer: Latency
    /// From the last byte handed to the connection to the final packet.
    package var final: Latency
    /// The whole upload: in an open loop from the moment it was due, else from its begin, to status 0.
    package var upload: Latency
  }

  /// A time for each second of the run.
  package struct Second: Codable, Hashable, Sendable {
    /// Seconds since the run began.
    package var second: Int
    /// Uploads that began.
    package var begun = 0
    /// Uploads that became complete.
    package var completed = 0
    /// Uploads that failed, and faults that were answered otherwise than expected.
    package var errors = 0
    /// Bytes handed to the connections.
    package var sentBytes: Int64 = 0
    /// Bytes of the uploads that became complete.
    package var completedBytes: Int64 = 0
    /// Uploads under way at its end.
    package var open = 0
    /// Uploads that are due and wait for ``Scenario/inFlight``, at its end.
    package var waiting = 0
    /// Of the whole uploads that became complete in it; nil without one.
    package var p50: Double?
    /// The same.
    package var p99: Double?
    /// The same.
    package var max: Double?
    /// The generator's processor time.
    package var cpuSeconds = 0.0

    /// Nothing yet.
    package init(second: Int) { self.second = second }
  }

  /// Uploads of similar size.
  package struct SizeClass: Codable, Hashable, Sendable {
    /// The smallest size in it.
    package var from: Int64
    /// The largest size in it.
    package var to: Int64
    /// Complete uploads.
    package var completed: Int
    /// Their bytes.
    package var bytes: Int64
    /// Of the whole uploads.
    package var p50: Double
    /// The same.
    package var p99: Double
    /// The same.
    package var max: Double
  }

  /// Failures of one kind.
  package struct ErrorCount: Codable, Hashable, Sendable {
    /// `status`, `connect`, `tls`, `lost`, `silent`, `violation`, `fault`, `unfinished` or `missed`.
    package var kind: String
    /// The server's status; of kind `status` alone.
    package var status: Int?
    /// The status's name, or the kind.
    package var name: String
    /// How many.
    package var count: Int
    /// The first one's words.
    package var example: String
  }

  /// What became of one kind of fault.
  package struct FaultCount: Codable, Hashable, Sendable {
    /// Which.
    package var fault: FaultKind
    /// How often it was done.
    package var done: Int
    /// How often the answer was the expected one.
    package var asExpected: Int
    /// How often it was another one.
    package var unexpected: Int
    /// How often there was nothing to do it to: an upload of 0 bytes has no middle.
    package var notPossible: Int
    /// The first unexpected answer.
    package var example: String?
  }

  /// One thing that was checked.
  package struct Check: Codable, Hashable, Sendable {
    /// `final`, `offset`, `digest`, or `account`.
    package var check: String
    /// What is held against what, for a person.
    package var meaning: String
    /// How often it was looked at.
    package var checked: Int
    /// How often it did not hold.
    package var violations: Int
    /// The first that did not hold.
    package var example: String?
  }
}
