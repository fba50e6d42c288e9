/// What went wrong on purpose, and what was held against the protocol and the gateway's ledger.
enum CheckSection {
  static func parts(_ report: LoadReport) -> [Markup] {
    [faults(report.faults), checks(report.checks), account(report.account)]
  }

  private static func faults(_ faults: [LoadReport.FaultCount]) -> Markup {
    guard !faults.isEmpty else { return "<p class=\"none\">Nothing was broken on purpose.</p>\n" }
    let rows = faults.map { fault -> [Markup] in
      [
        Markup(text: fault.fault.rawValue), "\(fault.done)", "\(fault.asExpected)",
        fault.unexpected == 0 ? "0" : PageTable.mark(false, "", "\(fault.unexpected)"), "\(fault.notPossible)",
      ]
    }
    let examples = faults.compactMap { fault in
      fault.example.map { "<p class=\"note\">\(fault.fault.rawValue): \($0)</p>\n" as Markup }
    }
    return PageTable.table(["fault", "done", "as expected", "other", "not possible"], rows) + Markup(examples)
  }

  private static func checks(_ checks: [LoadReport.Check]) -> Markup {
    guard !checks.isEmpty else { return .nothing }
    let rows = checks.map { check -> [Markup] in
      let example = check.example.map { "<br/><span class=\"note\">\($0)</span>" as Markup } ?? .nothing
      return [
        "\(check.meaning)\(example)", "\(check.checked)",
        PageTable.mark(check.violations == 0, "always", "not \(check.violations) times"),
      ]
    }
    return PageTable.table(["check", "times", "held"], rows)
  }

  private static func account(_ account: LoadReport.Account?) -> Markup {
    guard let account else { return .nothing }
    let differences = account.differences.map { "<p class=\"warning\">\($0)</p>\n" as Markup }
    let quotas = account.quotas.map { quota -> [Markup] in
      let name = quota.subject.isEmpty ? quota.route : "\(quota.route) \(quota.subject)"
      return [
        Markup(text: name), Markup(text: FigureText.size(Double(quota.usedBefore))),
        Markup(text: FigureText.size(Double(quota.usedAfter))),
        Markup(text: FigureText.size(Double(quota.reservedBefore))),
        Markup(text: FigureText.size(Double(quota.reservedAfter))),
      ]
    }
    return """
      <h3>The gateway's own account</h3>
      \(PageTable.definitions([
        ("complete uploads", "\(account.gatewayCompleted) of the client's \(account.clientCompleted)"),
        ("their bytes", "\("\(account.gatewayBytes)") of \("\(account.clientBytes)")"),
        ("complete there alone", "\(account.onlyGateway)"), ("unfinished", "\(account.open)"),
      ]))\(differences)
      \(quotas.isEmpty
        ? .nothing : PageTable.table(["quota", "used before", "after", "reserved before", "after"], quotas))
      """
  }
}
