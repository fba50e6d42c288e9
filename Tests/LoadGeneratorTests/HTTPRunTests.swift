import LoadGenerator
import Testing

/// Uploads over HTTP against a gateway, held to the same checks as those over x-stream.
@Suite(.timeLimit(.minutes(1))) struct HTTPRunTests {
  /// A protocol over a version.
  struct Way: Sendable, CustomTestStringConvertible {
    var speaks: UploadProtocol
    var http: HTTPVersion

    static let all = [UploadProtocol.put, .tus, .resumable].flatMap { speaks in
      HTTPVersion.allCases.map { Way(speaks: speaks, http: $0) }
    }

    var testDescription: String { "\(speaks.rawValue) over HTTP/\(http.rawValue)" }

    func kind(_ change: (inout UploadKind) -> Void = { _ in }) -> UploadKind {
      var kind = UploadKind()
      (kind.uploadProtocol, kind.http) = (speaks, http)
      change(&kind)
      return kind
    }
  }

  @Test("the generator's account is the ledger's, upload by upload and byte by byte", arguments: Way.all)
  func agreement(way: Way) async throws {
    let gateway = try GatewayPlace()
    let before = try gateway.records()
    var result = try await run(
      .open(rate: 60, time: .seconds(1)) { scenario in
        scenario.uploads = [
          way.kind { ($0.size, $0.digest) = (.range(0...200_000), true) },
          way.kind { ($0.size, $0.format, $0.unknownTotal) = (.fixed(70_000), .text, true) },
          way.kind { ($0.size, $0.acknowledge) = (.fixed(150_000), 40_000) },
        ]
        scenario.thresholds = ["errors=0", "violations=0"].compactMap { try? Threshold($0) }
      }, gateway.url)
    result.check(against: before, try gateway.records())
    let report = result.report()
    #expect(report.verdict == .passed, "\(report.errors) \(report.setbacks)")
    #expect(report.totals.begun == 60 && report.totals.completed == 60, "\(report.setbacks)")
    let account = try #require(report.account)
    #expect(account.differences.isEmpty && account.onlyGateway == 0 && account.open == 0)
    #expect(account.gatewayBytes == report.totals.completedBytes && account.clientBytes == account.gatewayBytes)
    #expect(report.totals.sentBytes == report.totals.completedBytes)
    #expect(report.latency.upload.count == 60 && report.latency.final.count == 60)
    #expect(report.latency.offer.count == (way.speaks == .put ? 0 : 60))
    #expect(report.checks.first { $0.check == "final" }?.checked == 60)
    #expect(report.checks.first { $0.check == "digest" }?.checked ?? 0 > 0)
  }

  @Test("every fault is done, and answered as it has to be", arguments: Way.all)
  func faults(way: Way) async throws {
    let gateway = try GatewayPlace()
    for kind in FaultKind.allCases {
      let before = try gateway.records()
      var result = try await run(
        .closed(clients: 3, count: 6) { scenario in
          scenario.uploads = [way.kind { $0.size = .fixed(300_000) }]
          var fault = FaultShare(kind, share: 1)
          fault.time = .milliseconds(100)
          scenario.faults = [fault]
        }, gateway.url)
      result.check(against: before, try gateway.records())
      let report = result.report()
      let count = try #require(report.faults.first)
      #expect(report.totals.errors == 0 && report.account?.differences == [], "\(kind): \(report.errors)")
      guard way.speaks != .put || ![.truncate, .takeOver].contains(kind) else {
        // A PUT can be neither asked for nor taken over.
        #expect(count.notPossible == 6 && report.totals.completed == 6)
        continue
      }
      #expect(count.done == 6 && count.asExpected == 6, "\(kind): \(report.errors) \(count)")
      let isCompleted = [.cut, .stall, .drip, .halfClose, .takeOver].contains(kind)
      #expect(report.totals.completed == (isCompleted ? 6 : 0), "\(kind)")
      #expect(report.totals.faulted == (isCompleted ? 0 : 6), "\(kind)")
      #expect(report.latency.upload.count == 0, "an upload with a fault is no measurement")
    }
  }

  @Test("connections are kept, and what the server refuses is an error with HTTP's status", arguments: Way.all)
  func refused(way: Way) async throws {
    let gateway = try GatewayPlace(limits: "{upload: 100 KiB, held: 130 KiB}")
    let report = try await run(
      .closed(clients: 1, count: 3) { scenario in
        scenario.uploads = [way.kind()]
        scenario.connection.attempts = 2
        scenario.thresholds = ["errors=0", "status-507=1"].compactMap { try? Threshold($0) }
      }, gateway.url
    ).report()
    // 64 KiB twice fit into what may be held, the third does not.
    #expect(report.totals.completed == 2 && report.totals.failed == 1, "\(report.errors)")
    #expect(report.errors.map(\.status) == [507] && report.thresholds.map(\.isMet) == [false, true])
    let large = try await run(
      .closed(clients: 1, count: 1) { $0.uploads = [way.kind { $0.size = .fixed(200 << 10) }] }, gateway.url
    ).report()
    #expect(large.errors.map(\.status) == [413] && large.setbacks.isEmpty)
    let kept = try await run(
      .closed(clients: 2, count: 20) { $0.uploads = [way.kind { $0.size = .fixed(10) }] }, gateway.url
    ).report()
    #expect(kept.totals.completed == 20 && kept.totals.connections == 2, "\(kept.setbacks)")
  }
}
