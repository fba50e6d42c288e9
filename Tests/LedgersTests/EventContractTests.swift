import GatewayCore
import NIOCore
import Testing

@testable import Ledgers

@Suite("Every ledger, on events") struct EventContractTests {
  private static let now = WallTime(milliseconds: 10_000)

  private func event(_ kind: EventKind, of key: UploadKey, to target: String = "there", at: Int64 = 7000) -> Event {
    Event(
      id: Event.id(of: kind, key), target: target, key: key, kind: kind, at: WallTime(milliseconds: at),
      body: "{\"what\":\"\(kind.rawValue)\"}")
  }

  private func due(
    _ ledger: any Ledger, to target: String = "there", besides: Set<String> = [], limit: Int = 100,
    at now: WallTime = Self.now
  ) async throws -> EventBatch {
    try await ledger.claimEvents(EventClaim(target: target, limit: limit, besides: besides, now: now), on: anyLoop)
      .get()
  }

  private func reservation(_ total: Int64 = 100, _ kinds: [EventKind] = [.begun]) -> Reservation {
    var reservation = Reservation.of(total)
    reservation.events = kinds.map { event($0, of: reservation.key, at: 1000) }
    return reservation
  }

  private func complete(_ key: UploadKey, _ ledger: any Ledger, _ events: [Event], epoch: Int64 = 1) async throws {
    let completion = Completion(
      key: key, epoch: epoch, size: 100, charged: 100, digest: nil, at: WallTime(milliseconds: 7000), events: events)
    try await ledger.complete(completion, on: anyLoop).get()
  }

  @Test(
    "What is recorded with a change is due as it was written, and a change that fails records nothing",
    arguments: LedgerEngine.all)
  func records(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = reservation()
      _ = try await ledger.opened(upload)
      #expect(try await due(ledger).events == upload.events)
      #expect(try await due(ledger, to: "elsewhere").events.isEmpty)
      #expect(
        try await due(ledger, at: WallTime(milliseconds: 999))
          == EventBatch(
            events: [], nextDue: WallTime(milliseconds: 1000)))
      let done = [event(.completed, of: upload.key), event(.completed, of: upload.key, to: "elsewhere")]
      await #expect(throws: LedgerError.fenced) { try await complete(upload.key, ledger, done, epoch: 2) }
      #expect(try await due(ledger, to: "elsewhere").events.isEmpty)
      try await complete(upload.key, ledger, done)
      try await complete(upload.key, ledger, done)
      #expect(try await due(ledger, to: "elsewhere").events == [done[1]])
    }
  }

  @Test(
    "Of an upload the oldest event alone is due, and the next once that was delivered, or is dead",
    arguments: LedgerEngine.all)
  func keepsOrder(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let (first, second) = (reservation(), reservation())
      for upload in [first, second] { _ = try await ledger.opened(upload) }
      for upload in [first, second] { try await complete(upload.key, ledger, [event(.completed, of: upload.key)]) }
      #expect(try await due(ledger).events.map(\.kind) == [.begun, .begun])
      #expect(try await due(ledger, limit: 1).events == first.events)
      #expect(try await due(ledger, besides: [first.events[0].id]).events == second.events)
      #expect(try await due(ledger, besides: [first.events[0].id], limit: 1).events == second.events)
      for _ in 1...2 {
        try await ledger.delivered(first.events[0].id, to: "there", hastens: false, on: anyLoop).get()
      }
      #expect(try await due(ledger, limit: 2).events.map(\.key) == [second.key, first.key])
      let failure = EventFailure(
        id: second.events[0].id, target: "there", tries: 9, consequence: .dead(at: Self.now), reason: "no")
      try await ledger.undelivered(failure, on: anyLoop).get()
      #expect(try await due(ledger).events.map(\.kind) == [.completed, .completed])
    }
  }

  @Test(
    "What was sent in vain waits, with its tries, and holds up what comes after it; a target that is back hastens all",
    arguments: LedgerEngine.all)
  func postpones(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = reservation()
      _ = try await ledger.opened(upload)
      try await complete(upload.key, ledger, [event(.completed, of: upload.key)])
      let later = WallTime(milliseconds: 60_000)
      try await ledger.undelivered(
        EventFailure(
          id: upload.events[0].id, target: "there", tries: 3, consequence: .postponed(until: later), reason: "no"),
        on: anyLoop
      ).get()
      #expect(try await due(ledger) == EventBatch(events: [], nextDue: later))
      #expect(try await due(ledger, at: later).events.map(\.tries) == [3])
      // A clock that was set back by a day.
      #expect(try await due(ledger, at: WallTime(milliseconds: -86_400_000)).events.count == 1)
      let other = reservation()
      _ = try await ledger.opened(other)
      try await ledger.delivered(other.events[0].id, to: "there", hastens: true, on: anyLoop).get()
      #expect(try await due(ledger).events.map(\.kind) == [.begun])
    }
  }

  @Test(
    "A failure, an end and a removal record theirs; the end of what had failed records nothing more",
    arguments: LedgerEngine.all)
  func ends(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let (failed, dropped, removed) = (Reservation.of(100), Reservation.of(100), Reservation.of(100))
      for upload in [failed, dropped, removed] { _ = try await ledger.opened(upload) }
      try await ledger.fail(
        failed.key, epoch: 1, expiresAt: Self.now, events: [event(.failed, of: failed.key)], on: anyLoop
      ).get()
      try await ledger.release(
        failed.key, epoch: 1, events: [event(.expired, of: failed.key)], on: anyLoop
      ).get()
      for _ in 1...2 {
        try await ledger.release(
          dropped.key, epoch: 1, events: [event(.dropped, of: dropped.key)], on: anyLoop
        ).get()
      }
      try await complete(removed.key, ledger, [])
      try await ledger.retract(
        removed.key, expiresAt: Self.now, events: [event(.removed, of: removed.key)], on: anyLoop
      ).get()
      let events = try await due(ledger).events
      #expect(events.map(\.kind) == [.failed, .dropped, .removed])
      #expect(events.map(\.key) == [failed.key, dropped.key, removed.key])
    }
  }

  @Test("A file that somebody has yet to hear of does not leave, unless its event is dead", arguments: LedgerEngine.all)
  func keepsFiles(_ engine: LedgerEngine) async throws {
    try await engine.withLedger { ledger in
      let upload = Reservation.of(100)
      let key = upload.key
      _ = try await ledger.opened(upload)
      let completed = event(.completed, of: key)
      try await complete(key, ledger, [completed])
      #expect(try await ledger.depart([key], .leaving, on: anyLoop).get() == [])
      let failure = EventFailure(
        id: completed.id, target: "there", tries: 9, consequence: .dead(at: Self.now), reason: "no")
      try await ledger.undelivered(failure, on: anyLoop).get()
      #expect(try await ledger.depart([key], .leaving, on: anyLoop).get() == [key])
    }
  }
}

/// Events of a ledger that commands look at and change, while a gateway has it open.
@Suite("An embedded ledger's events, from outside") struct EventCommandTests {
  @Test("are listed, and dead ones are sent again as new ones, or forgotten") func commands() async throws {
    try await withTemporaryDirectory { directory in
      let path = directory + "/ledger.db"
      let ledger = try EmbeddedLedger(path: path)
      defer { ledger.close() }
      var uploads = (1...3).map { _ in Reservation.of(1) }
      for index in uploads.indices {
        let key = uploads[index].key
        uploads[index].events = [
          Event(
            id: Event.id(of: .begun, key), target: "there", key: key, kind: .begun, at: WallTime(milliseconds: 1000),
            body: "{}")
        ]
        _ = try await ledger.opened(uploads[index])
      }
      let ids = uploads.map { $0.events[0].id }
      for id in ids[1...] {
        let failure = EventFailure(
          id: id, target: "there", tries: 9, consequence: .dead(at: WallTime(milliseconds: 5000)), reason: "gone")
        try await ledger.undelivered(failure, on: anyLoop).get()
      }
      let reader = try LedgerReader(path: path)
      #expect(try reader.events(EventSelection()).map(\.event.id) == ids)
      let dead = try reader.events(EventSelection(deadOnly: true))
      #expect(dead.map(\.event.id) == Array(ids[1...]))
      #expect(dead.first?.reason == "gone" && dead.first?.deadAt == WallTime(milliseconds: 5000))
      let maintenance = try LedgerMaintenance(path: path)
      // What is on its way is none of an operator's.
      #expect(try maintenance.sendAgain(EventSelection(ids: [ids[0]])) == 0)
      #expect(try maintenance.sendAgain(EventSelection(ids: [ids[1]], target: "elsewhere")) == 0)
      #expect(try maintenance.sendAgain(EventSelection(ids: [ids[1], ids[1]])) == 1)
      let again = try #require(try reader.events(EventSelection(ids: [ids[1]])).first)
      #expect(again.deadAt == nil && again.event.tries == 0 && again.event.since > again.event.at)
      #expect(try maintenance.forgetEvents(EventSelection(deadOnly: true)) == 1)
      #expect(try reader.events(EventSelection()).map(\.event.id) == Array(ids[..<2]))
      #expect(try maintenance.forgetEvents(EventSelection()) == 2)
    }
  }
}
