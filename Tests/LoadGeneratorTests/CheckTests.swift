import LoadGenerator
import Testing

/// Servers that break the protocol are found out.
@Suite(.timeLimit(.minutes(1))) struct CheckTests {
  private static let key = "0123456789abcdef"
  private static let offer = """
    headers:
        x-stream: 0:4096
        x-stream-key: \(key)
        data-format: bytes
    payload: -

    """

  private static func packet(_ headers: String...) -> String {
    "headers:\n" + headers.map { "    \($0)\n" }.joined() + "payload: -\n"
  }

  private func report(
    offer: String = CheckTests.offer, final: String, _ change: (inout Scenario) -> Void = { _ in }
  ) async throws -> LoadReport {
    try await withLyingServer(offer: offer, final: final) { url in
      try await run(
        .closed(clients: 1, count: 1) { scenario in
          scenario.uploads[0].size = .fixed(100)
          scenario.uploads[0].acknowledge = 10
          change(&scenario)
        }, url
      ).report()
    }
  }

  @Test("a true final is complete")
  func honest() async throws {
    let report = try await report(
      final: Self.packet("status: 0", "x-stream-key: \(Self.key)", "x-stream: 0:0"))
    #expect(report.totals.completed == 1 && report.totals.errors == 0)
  }

  @Test(
    "an acknowledged offset that goes back, or beyond what was sent, is a violation", arguments: [(60, 40), (101, 101)])
  func offsets(first: Int, second: Int) async throws {
    let progress = [first, second].map { Self.packet("x-stream-key: \(Self.key)", "x-stream-offset: \($0)") }
    let report = try await report(
      final: progress.joined() + Self.packet("status: 0", "x-stream-key: \(Self.key)", "x-stream: 0:0"))
    #expect(report.totals.failed == 1 && report.errors.map(\.name) == ["offset"])
    #expect(report.checks.first { $0.check == "offset" }?.violations == 1)
  }

  @Test(
    "a final of another key, or with bytes left, is a violation",
    arguments: [
      ("another-key-01234", "0:0"), ("0123456789abcdef", "5:0"),
    ])
  func finals(key: String, terms: String) async throws {
    let report = try await report(final: Self.packet("status: 0", "x-stream-key: \(key)", "x-stream: \(terms)"))
    #expect(report.totals.failed == 1 && report.errors.map(\.kind) == ["violation"])
    #expect(report.checks.first { $0.check == "final" }?.violations == 1)
  }

  @Test("a server that takes a wrong digest for a right one is found out")
  func wrongDigest() async throws {
    let report = try await report(final: Self.packet("status: 0", "x-stream-key: \(Self.key)", "x-stream: 0:0")) {
      $0.faults = [FaultShare(.wrongDigest, share: 1)]
    }
    #expect(report.totals.completed == 0 && report.totals.errors == 1)
    #expect(report.faults.first?.unexpected == 1)
  }

  @Test("a server that answers what is malformed with an offer is found out")
  func malformed() async throws {
    let report = try await report(final: "") { scenario in
      scenario.count = 30
      scenario.faults = [FaultShare(.malformed, share: 1)]
      scenario.connection.silence = .milliseconds(50)
      scenario.connection.attempts = 1
    }
    #expect(report.totals.faulted == 0 && report.totals.failed == 30)
    #expect(report.errors.contains { $0.kind == "fault" && $0.example == "an offer" })
    #expect(report.errors.contains { $0.kind == "silent" })
  }

  @Test("a server that says nothing is silent, and not waited for")
  func silent() async throws {
    let report = try await report(offer: "", final: "") { scenario in
      scenario.connection.silence = .milliseconds(100)
      scenario.connection.attempts = 2
    }
    #expect(report.errors.map(\.kind) == ["silent"] && report.totals.retries == 1)
  }

  @Test("what is left over when the time is up is an error")
  func leftOver() async throws {
    let report = try await withLyingServer(offer: "", final: "") { url in
      try await run(
        .open(rate: 20, time: .milliseconds(300)) { scenario in
          (scenario.inFlight, scenario.drain) = (2, .milliseconds(100))
        }, url
      ).report()
    }
    #expect(report.totals.unfinished == 2 && report.totals.missed == 4 && report.totals.errors == 6)
    #expect(Set(report.errors.map(\.kind)) == ["unfinished", "missed"])
  }

  @Test("the ledger is held against what the client was told")
  func account() async throws {
    var result = try await withLyingServer(
      offer: Self.offer, final: Self.packet("status: 0", "x-stream-key: \(Self.key)", "x-stream: 0:0")
    ) { url in
      try await run(.closed(clients: 1, count: 1) { $0.uploads[0].size = .fixed(100) }, url)
    }
    let nothing = GatewayRecords(uploads: [:], quotas: [:])
    var short = nothing
    short.uploads[Self.key] = .init(isDone: true, isOpen: false, safe: 99)
    var full = nothing
    full.uploads[Self.key] = .init(isDone: true, isOpen: false, safe: 100)
    full.uploads["somebody-elses-0"] = .init(isDone: true, isOpen: false, safe: 5)
    for (records, violations) in [(nothing, 1), (short, 1), (full, 0)] {
      var checked = result
      checked.check(against: nothing, records)
      #expect(checked.report().totals.errors == violations)
      #expect(checked.report().checks.first { $0.check == "account" }?.violations == violations)
    }
    result.check(against: nothing, full)
    #expect(result.report().account?.onlyGateway == 1)
  }
}
