/// Which events somebody wants to deliver.
package struct EventClaim: Hashable, Sendable {
  /// Those of this target.
  package var target: String
  /// So many at most.
  package var limit: Int
  /// Not these, by their ids: they are on their way.
  package var besides: Set<String>
  /// Who claims them: what others have claimed is left, and they leave these.
  package var holder: String
  /// So long, in milliseconds, if it does not say before what came of them. A ledger of one gateway needs neither.
  package var heldFor: Int64
  /// Now: what is to be sent later is left.
  package var now: WallTime

  /// All of it.
  package init(
    target: String, limit: Int, besides: Set<String> = [], holder: String = "", heldFor: Int64 = 0, now: WallTime
  ) {
    self.target = target
    self.limit = limit
    self.besides = besides
    self.holder = holder
    self.heldFor = heldFor
    self.now = now
  }
}

/// Events that are due.
package struct EventBatch: Hashable, Sendable {
  /// Of each upload one alone: the oldest of this target.
  package var events: [Event]
  /// When the next is due of those that are not; `nil` where there are none.
  package var nextDue: WallTime?

  /// Both.
  package init(events: [Event], nextDue: WallTime? = nil) {
    self.events = events
    self.nextDue = nextDue
  }
}

/// An event that was sent in vain.
package struct EventFailure: Hashable, Sendable {
  /// What becomes of it.
  package enum Consequence: Hashable, Sendable {
    /// It is sent again at this moment.
    case postponed(until: WallTime)
    /// It is a dead letter, and goes nowhere until an operator says so. Later events of its upload do not wait for it.
    case dead(at: WallTime)
  }

  /// Which.
  package var id: String
  /// To whom.
  package var target: String
  /// How often it was sent by now.
  package var tries: Int
  /// What becomes of it.
  package var consequence: Consequence
  /// Why it came to nothing, for a person.
  package var reason: String

  /// All of it.
  package init(id: String, target: String, tries: Int, consequence: Consequence, reason: String) {
    self.id = id
    self.target = target
    self.tries = tries
    self.consequence = consequence
    self.reason = reason
  }
}

/// An event as the ledger has it.
package struct EventRecord: Hashable, Sendable {
  /// What is told.
  package var event: Event
  /// When it is sent, or was to be sent next.
  package var dueAt: WallTime
  /// When it became a dead letter; `nil` for one that is on its way.
  package var deadAt: WallTime?
  /// Why it was sent in vain the last time.
  package var reason: String?

  /// All of it.
  package init(event: Event, dueAt: WallTime, deadAt: WallTime? = nil, reason: String? = nil) {
    self.event = event
    self.dueAt = dueAt
    self.deadAt = deadAt
    self.reason = reason
  }
}

/// Which events a command means.
package struct EventSelection: Hashable, Sendable {
  /// These; `nil` for all.
  package var ids: [String]?
  /// Those of this target alone; `nil` for all.
  package var target: String?
  /// Dead letters alone.
  package var deadOnly: Bool

  /// All of it.
  package init(ids: [String]? = nil, target: String? = nil, deadOnly: Bool = false) {
    self.ids = ids
    self.target = target
    self.deadOnly = deadOnly
  }
}
