import Foundation
import GatewayServer
import LoadGenerator
import Testing

@Suite(.timeLimit(.minutes(1))) struct RunTests {
  @Test("the generator's account of an open loop is the ledger's, upload by upload and byte by byte")
  func agreement() async throws {
    let gateway = try GatewayPlace()
    let before = try gateway.records()
    var result = try await run(
      .open(rate: 200, time: .seconds(1)) { scenario in
        scenario.arrivals = .poisson
        var stream = UploadKind()
        (stream.size, stream.digest, stream.acknowledge) = (.range(0...200_000), true, 50_000)
        var payload = UploadKind()
        (payload.size, payload.payload, payload.format) = (.fixed(3000), true, .json)
        var unknown = UploadKind()
        (unknown.size, unknown.unknownTotal) = (.fixed(70_000), true)
        unknown.weight = 0.2
        scenario.uploads = [stream, payload, unknown]
        scenario.connection.threads = 2
        scenario.thresholds = ["errors=0", "violations=0"].compactMap { try? Threshold($0) }
      }, gateway.url)
    result.check(against: before, try gateway.records())
    let report = result.report()
    #expect(report.verdict == .passed, "\(report.errors) \(report.setbacks)")
    #expect(report.totals.begun > 120 && report.totals.completed == report.totals.begun)
    let done = try gateway.account().uploads.filter { $0.state == "done" }
    #expect(done.count == report.totals.completed)
    #expect(done.reduce(0) { $0 + $1.safe } == report.totals.completedBytes)
    let account = try #require(report.account)
    #expect(account.differences.isEmpty && account.onlyGateway == 0 && account.open == 0)
    #expect(account.gatewayBytes == report.totals.completedBytes && account.clientBytes == account.gatewayBytes)
    let quota = try #require(account.quotas.first { $0.subject.isEmpty })
    #expect(quota.usedAfter == report.totals.completedBytes && quota.reservedAfter == 0)
    #expect(report.timeline.reduce(0) { $0 + $1.completed } == report.totals.completed)
    #expect(report.timeline.reduce(0) { $0 + $1.sentBytes } == report.totals.sentBytes)
    #expect(report.sizes.reduce(0) { $0 + $1.completed } == report.totals.completed)
    #expect(report.latency.upload.count == UInt64(report.totals.completed))
    #expect(report.latency.upload.correction == .intendedStart)
    #expect(report.totals.sentBytes == report.totals.completedBytes)
  }

  @Test("every fault is done, and answered as it has to be", arguments: FaultKind.allCases)
  func fault(kind: FaultKind) async throws {
    let gateway = try GatewayPlace()
    let before = try gateway.records()
    var result = try await run(
      .closed(clients: 4, count: 12) { scenario in
        var upload = UploadKind()
        (upload.size, upload.acknowledge) = (.fixed(300_000), 40_000)
        scenario.uploads = [upload]
        var fault = FaultShare(kind, share: 1)
        fault.time = .milliseconds(100)
        scenario.faults = [fault]
      }, gateway.url)
    result.check(against: before, try gateway.records())
    let report = result.report()
    let count = try #require(report.faults.first)
    #expect(report.faults.count == 1 && count.fault == kind)
    #expect(count.done == 12 && count.asExpected == 12, "\(report.errors) \(count)")
    let isCompleted = [.cut, .stall, .drip, .halfClose, .takeOver].contains(kind)
    #expect(report.totals.completed == (isCompleted ? 12 : 0) && report.totals.faulted == (isCompleted ? 0 : 12))
    #expect(report.totals.errors == 0 && report.account?.differences == [])
    #expect(report.latency.upload.count == 0, "an upload with a fault is no measurement")
    #expect(report.totals.resumes == ([.cut, .halfClose, .truncate, .takeOver].contains(kind) ? 12 : 0))
  }

  @Test(
    "an upload without a byte goes without its fault, whatever that is",
    arguments: FaultKind.allCases.filter { $0 != .malformed })
  func notPossible(kind: FaultKind) async throws {
    let gateway = try GatewayPlace()
    let report = try await run(
      .closed(clients: 1, count: 2) { scenario in
        scenario.uploads[0].size = .fixed(0)
        scenario.faults = [FaultShare(kind, share: 1)]
      }, gateway.url
    ).report()
    #expect(report.totals.completed == 2 && report.totals.errors == 0, "\(report.errors)")
    #expect(report.faults.map(\.notPossible) == [2] && report.faults.map(\.done) == [0])
  }

  @Test("a closed loop begins as many uploads as it has to, over as many connections as it has clients")
  func closed() async throws {
    let gateway = try GatewayPlace()
    let report = try await run(.closed(clients: 3, count: 50), gateway.url).report()
    #expect(report.totals.begun == 50 && report.totals.completed == 50 && report.totals.connections == 3)
    #expect(report.latency.upload.correction == .expectedInterval)
    #expect(report.latency.upload.count == 50 + report.latency.upload.filledIn)
    let payloads = try await run(
      .closed(clients: 2, count: 30) { scenario in scenario.uploads[0].payload = true }, gateway.url
    ).report()
    #expect(payloads.totals.completed == 30 && payloads.totals.connections == 2)
  }

  @Test("a connection for each upload resumes TLS where it is asked to")
  func handshakes() async throws {
    let gateway = try GatewayPlace()
    for handshake in ConnectionBehaviour.Handshake.allCases {
      let report = try await run(
        .closed(clients: 1, count: 10) { scenario in
          scenario.connection.reuse = .each
          scenario.connection.handshake = handshake
        }, gateway.url
      ).report()
      #expect(report.totals.connections == 10 && report.latency.connect.count == 10)
      #expect(report.totals.resumedHandshakes == (handshake == .resumed ? 9 : 0))
    }
  }

  @Test("a bandwidth is kept to, and progress packets are heard on the way")
  func bandwidth() async throws {
    let gateway = try GatewayPlace()
    let report = try await run(
      .closed(clients: 1, count: 1) { scenario in
        scenario.uploads[0].size = .fixed(500_000)
        scenario.uploads[0].acknowledge = 10_000
        scenario.connection.bandwidth = 1_000_000
      }, gateway.url
    ).report()
    #expect(report.totals.completed == 1)
    #expect(report.totals.progressPackets > 1)
    #expect((0.4...0.9).contains(report.latency.upload.max), "\(report.latency.upload.max)")
  }

  @Test("what the server refuses is an error with its status, and what is left when it was worth another try is too")
  func refused() async throws {
    let gateway = try GatewayPlace(limits: "{upload: 100 KiB, held: 130 KiB}", more: "on-quota: refuse")
    let report = try await run(
      .closed(clients: 1, count: 3) { scenario in
        scenario.connection.attempts = 2
        scenario.thresholds = ["errors=0", "status-7=1"].compactMap { try? Threshold($0) }
      }, gateway.url
    ).report()
    // 64 KiB twice fit into what may be held, the third does not.
    #expect(report.totals.completed == 2 && report.totals.failed == 1 && report.totals.errors == 1)
    #expect(report.errors.map(\.status) == [7] && report.errors.map(\.name) == ["quota"])
    #expect(report.setbacks.map(\.count) == [1] && report.totals.retries == 1)
    #expect(report.verdict == .failed && report.thresholds.map(\.isMet) == [false, true])
    let large = try await run(
      .closed(clients: 1, count: 1) { scenario in scenario.uploads[0].size = .fixed(200 << 10) }, gateway.url
    ).report()
    #expect(large.errors.map(\.status) == [6] && large.setbacks.isEmpty)
  }

  @Test("a run that is stopped tells what it has done")
  func interrupted() async throws {
    let gateway = try GatewayPlace()
    let (ticks, tick) = AsyncStream.makeStream(of: Void.self)
    let url = gateway.url
    let work = Task {
      try await run(
        .open(rate: 50, time: .seconds(600)) { scenario in
          var slow = FaultShare(.stall, share: 0.1)
          slow.time = .seconds(600)
          scenario.faults = [slow]
        }, url, eachSecond: { _ in tick.yield() })
    }
    for await _ in ticks { break }
    work.cancel()
    let report = try await work.value.report()
    let totals = report.totals
    #expect(report.verdict == .interrupted && report.seconds < 30)
    #expect(totals.completed > 20 && totals.unfinished > 0 && totals.errors == 0)
    #expect(totals.begun == totals.completed + totals.faulted + totals.failed + totals.unfinished)
  }
}
