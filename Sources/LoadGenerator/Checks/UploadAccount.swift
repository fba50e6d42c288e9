extension LoadResult {
  private static let mostDifferences = 20

  /// Holds the client's account against the gateway's: what had status 0 has to be complete there with all its bytes,
  /// and what was never completed must not be.
  ///
  /// - Parameters:
  ///   - before: the ledger before the run.
  ///   - after: the ledger after it.
  package mutating func check(against before: GatewayRecords, _ after: GatewayRecords) {
    let book = tally.uploads
    var differences: [String] = []
    var violations = 0
    func differ(_ text: @autoclosure () -> String) {
      violations += 1
      if differences.count < Self.mostDifferences { differences.append(text()) }
    }
    var (gatewayCompleted, gatewayBytes): (Int, Int64) = (0, 0)
    for (key, size) in book.completed {
      guard let upload = after.uploads[key], upload.isDone else {
        // A key is a secret; its first letters are enough to find it.
        differ("\(key.prefix(6))…: status 0 for \(size) bytes, and not complete in the ledger")
        continue
      }
      gatewayCompleted += 1
      gatewayBytes += upload.safe
      if upload.safe != size {
        differ("\(key.prefix(6))…: status 0 for \(size) bytes, and the ledger has \(upload.safe)")
      }
    }
    for key in book.never where after.uploads[key]?.isDone ?? false {
      differ("\(key.prefix(6))…: never completed, and complete in the ledger")
    }
    let new = after.uploads.filter { key, upload in before.uploads[key] != upload }
    let onlyGateway = new.count { $0.value.isDone && book.completed[$0.key] == nil } - book.unlisted
    account = LoadReport.Account(
      clientCompleted: book.completed.count + book.unlisted, gatewayCompleted: gatewayCompleted + book.unlisted,
      clientBytes: book.completed.values.reduce(0, +), gatewayBytes: gatewayBytes, onlyGateway: max(0, onlyGateway),
      open: new.count { $0.value.isOpen }, quotas: Self.changes(before, after), differences: differences)
    if book.unlisted > 0 {
      warnings.append(
        "\(book.unlisted) complete uploads are beyond what is remembered, and not held against the ledger")
    }
    tally.checks[.account] = Tally.CheckTally(
      checked: book.completed.count + book.never.count, violations: violations, example: differences.first)
    tally.totals.errors += violations
  }

  private static func changes(_ before: GatewayRecords, _ after: GatewayRecords) -> [LoadReport.Account.Quota] {
    after.quotas.compactMap { name, quota in
      let earlier = before.quotas[name] ?? GatewayRecords.Quota(used: 0, reserved: 0)
      guard earlier != quota else { return nil }
      return LoadReport.Account.Quota(
        route: name.route, subject: name.subject, window: name.window, usedBefore: earlier.used, usedAfter: quota.used,
        reservedBefore: earlier.reserved, reservedAfter: quota.reserved)
    }
    .sorted { ($0.route, $0.subject, $0.window ?? 0) < ($1.route, $1.subject, $1.window ?? 0) }
  }
}
