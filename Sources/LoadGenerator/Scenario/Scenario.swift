/// What a run does: when uploads begin, what they are, how they connect, what goes wrong on purpose, and what the
/// result has to be.
package struct Scenario: Hashable, Sendable {
  /// What the loop's levels count.
  package enum Loop: String, Hashable, Sendable, Codable {
    /// Uploads per second begin by a schedule, whatever the server does.
    case open
    /// Each of a number of clients begins an upload when its last one is over.
    case closed
  }

  /// How an open loop's uploads are spread over time.
  package enum Arrivals: String, Hashable, Sendable, CaseIterable, Codable {
    /// The same time between any two.
    case even
    /// Independent of each other, as those of many people are.
    case poisson
  }

  /// A part of the run.
  package struct Stage: Hashable, Sendable {
    /// Uploads per second or clients when it begins; not negative.
    package var from: Double
    /// The same when it ends; in between it changes evenly.
    package var to: Double
    /// Nil: until ``Scenario/count`` uploads were begun.
    package var time: Duration?

    /// A stage that goes from one level to another.
    package init(from: Double, to: Double, time: Duration?) {
      self.from = from
      self.to = to
      self.time = time
    }
  }

  /// For people; a file's own name without its ending if it gives none.
  package var name: String
  /// One line that says what it is for; empty if it does not say.
  package var purpose = ""
  /// Everything random comes from it: the same seed chooses the same sizes, routes, times and faults.
  package var seed: UInt64 = 1
  /// Where uploads go, one after another in turn. Never empty in a run.
  package var targets: [String] = []
  /// What the stages' levels count.
  package var loop = Loop.closed
  /// Of an open loop.
  package var arrivals = Arrivals.even
  /// One after another; at least one.
  package var stages: [Stage]
  /// The run begins no more uploads than this.
  package var count: Int?
  /// Of an open loop: the most uploads at once, 1 to 100,000. Those that are due beyond it wait, and their wait counts.
  package var inFlight = 1000
  /// How long uploads that are under way at the end may go on.
  package var drain = Duration.seconds(30)
  /// What is uploaded; at least one kind.
  package var uploads: [UploadKind] = [UploadKind()]
  /// How uploads connect.
  package var connection = ConnectionBehaviour()
  /// What goes wrong on purpose; the shares add up to 1 at most.
  package var faults: [FaultShare] = []
  /// What the result has to be.
  package var thresholds: [Threshold] = []

  /// A scenario with one client and one kind of upload.
  package init(name: String, stages: [Stage] = [Stage(from: 1, to: 1, time: .seconds(10))]) {
    self.name = name
    self.stages = stages
  }

  /// Makes the run longer or shorter: the same levels, for other times, with as many more or fewer uploads.
  ///
  /// - Parameter factor: above 0. The times and the count stay within what a scenario's file may say.
  package mutating func stretch(by factor: Double) {
    for index in stages.indices {
      stages[index].time = stages[index].time.map { .seconds(min(max($0.seconds * factor, 0.001), 30 * 86_400)) }
    }
    count = count.map { Int(min(max((Double($0) * factor).rounded(), 1), 1e9)) }
  }
}

/// How uploads connect, and how patient they are.
package struct ConnectionBehaviour: Hashable, Sendable {
  /// How many uploads a connection carries.
  package enum Reuse: String, Hashable, Sendable, CaseIterable {
    /// One after another, as long as the server lets it.
    case kept
    /// One.
    case each
  }

  /// How TLS begins.
  package enum Handshake: String, Hashable, Sendable, CaseIterable {
    /// From nothing, each time.
    case full
    /// With a ticket of an earlier connection to the same target, where the server gave one.
    case resumed
  }

  /// How many uploads a connection carries.
  package var reuse = Reuse.kept
  /// How TLS begins.
  package var handshake = Handshake.full
  /// The most bytes a second that one connection sends; nil for as fast as it goes.
  package var bandwidth: Int64?
  /// Event loops, 1 to 64.
  package var threads = 1
  /// How long TCP may take, and then again TLS.
  package var connectTimeout = Duration.seconds(10)
  /// How long nothing may move while the server has the word.
  package var silence = Duration.seconds(30)
  /// How often one upload is tried on, resumed or begun again, 1 to 1000.
  package var attempts = 5

  /// The defaults.
  package init() {}
}
