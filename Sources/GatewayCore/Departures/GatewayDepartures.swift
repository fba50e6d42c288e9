package import NIOCore

// What becomes of complete uploads. Their files leave: consumers take them away, or the gateway removes them when they are
// old. A file that is gone counts no more, and its record goes when nobody can still ask for it.
extension Gateway {
  /// Records at a time: the ledger has others to answer meanwhile.
  package static let departureBatch = 500

  /// Removes the files that are older than their routes keep them, and whatever an earlier removal was stopped at.
  ///
  /// In three steps, each of which survives a power cut: the ledger gives back the quota and says that the file leaves, the
  /// file is removed, the ledger says that it is gone.
  /// - Returns: whose files were removed.
  /// - Throws: the first failure, of ledger or store; what it left is done at the next time.
  package func removeOld(on eventLoop: any EventLoop) async throws -> [UploadKey] {
    var removed: [UploadKey] = []
    var failure: (any Error)?
    for runtime in runtimes.values where runtime.traits.holdsFiles {
      do {
        try await markOld(of: runtime, on: eventLoop)
        removed += try await finishRemovals(of: runtime, on: eventLoop)
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return removed
  }

  private func markOld(of runtime: RouteRuntime, on eventLoop: any EventLoop) async throws {
    guard let keep = runtime.route.keep else { return }
    let before = settings.now().advanced(byMilliseconds: -keep.milliseconds)
    try await forEachBatch(of: runtime, .there, before: before, on: eventLoop) { batch in
      let old = batch.lazy.filter { !self.settings.isNeeded($0) }.map(\.key)
      _ = try await self.ledger.depart(Array(old), .leaving, on: eventLoop).get()
    }
  }

  private func finishRemovals(of runtime: RouteRuntime, on eventLoop: any EventLoop) async throws -> [UploadKey] {
    var removed: [UploadKey] = []
    try await forEachBatch(of: runtime, .leaving, on: eventLoop) { batch in
      for record in batch { try await runtime.forwarder.remove(record, on: eventLoop).get() }
      removed += try await self.ledger.depart(batch.map(\.key), .gone, on: eventLoop).get()
    }
    return removed
  }

  private func forEachBatch(
    of runtime: RouteRuntime, _ file: UploadRecord.FileState, before: WallTime = WallTime(milliseconds: .max),
    on eventLoop: any EventLoop, _ body: ([UploadRecord]) async throws -> Void
  ) async throws {
    var wanted = CompleteUploads(
      route: runtime.route.path, file: file, before: before, limit: Self.departureBatch)
    while true {
      let batch = try await ledger.complete(wanted, on: eventLoop).get()
      guard let last = batch.last else { return }
      try await body(batch)
      guard batch.count == wanted.limit else { return }
      wanted.after = CompleteUploads.Mark(last)
    }
  }

  /// Forgets complete uploads that nobody may ask for any more: longer ago than their routes remember them, and without a
  /// file that would count.
  ///
  /// - Returns: how many.
  package func prune(on eventLoop: any EventLoop) async throws -> Int {
    var pruned = 0
    for runtime in runtimes.values {
      let old = CompleteUploads(
        route: runtime.route.path, file: runtime.traits.holdsFiles ? .gone : .there,
        before: settings.now().advanced(byMilliseconds: -runtime.route.remember.milliseconds),
        limit: Self.departureBatch)
      var count = 0
      repeat {
        count = try await ledger.prune(old, on: eventLoop).get()
        pruned += count
      } while count == old.limit
    }
    return pruned
  }

  /// Hears of files that leave their places, on any thread (``Forwarder/watchDepartures(_:)``).
  package func watchDepartures(_ tell: @escaping @Sendable ([UploadKey]?) -> Void) {
    for runtime in runtimes.values { runtime.forwarder.watchDepartures(tell) }
  }

  /// Looks whether the files of these uploads are still in their places, and has the ledger hear of those that are not.
  ///
  /// - Returns: those that are gone; and those that are not complete yet: a consumer may be faster than the ledger.
  package func lookForDeparted(
    _ keys: [UploadKey], on eventLoop: any EventLoop
  ) async throws -> (gone: [UploadKey], unfinished: [UploadKey]) {
    var gone: [UploadKey] = []
    var unfinished: [UploadKey] = []
    var rest = keys[...]
    while !rest.isEmpty {
      let batch = rest.prefix(Self.departureBatch)
      rest = rest.dropFirst(batch.count)
      let records = try await EventLoopFuture.whenAllSucceed(
        batch.map { ledger.find($0, on: eventLoop) }, on: eventLoop
      )
      .get().compactMap(\.self)
      unfinished += records.filter { $0.state == .open }.map(\.key)
      let complete = records.filter { $0.state == .done && $0.file == .there }
      for (route, records) in Dictionary(grouping: complete, by: \.facts.route) {
        guard let runtime = runtimes[route] else { continue }
        gone += try await noteDeparted(among: records, runtime, on: eventLoop)
      }
    }
    return (gone, unfinished)
  }

  func noteDeparted(
    among records: [UploadRecord], _ runtime: RouteRuntime, on eventLoop: any EventLoop
  ) async throws -> [UploadKey] {
    let departed = try await runtime.forwarder.departed(records, on: eventLoop).get()
    return departed.isEmpty ? [] : try await ledger.depart(departed, .gone, on: eventLoop).get()
  }
}
