import Foundation
import LoadGenerator
import Testing

/// A gateway that stands still for two seconds.
@Suite(.timeLimit(.minutes(1))) struct OmissionTests {
  /// Stops the gateway at the first second, for two.
  private func runWithStop(_ scenario: Scenario) async throws -> LoadReport {
    let gateway = try GatewayPlace()
    let result = try await run(scenario, gateway.url) { second in
      guard second.second == 0 else { return }
      gateway.signal(SIGSTOP)
      Task {
        try? await Task.sleep(for: .seconds(2))
        gateway.signal(SIGCONT)
      }
    }
    return result.report()
  }

  @Test("an open loop shows the two seconds in p99.9 and max, and what was due meanwhile in between")
  func openLoop() async throws {
    let report = try await runWithStop(.open(rate: 100, time: .milliseconds(3200)))
    #expect(report.totals.begun == 320 && report.totals.completed == 320 && report.totals.errors == 0)
    let upload = report.latency.upload
    #expect(upload.p999 > 1.9 && upload.max > 1.9, "\(upload.p999) \(upload.max)")
    #expect(report.latency.offer.max > 1.9)
    // 200 of 320 were due while it stood still, and waited between nothing and two seconds.
    #expect(upload.p50 > 0.2, "\(upload.p50)")
  }

  @Test("where more are due than may be under way, the wait for a turn counts")
  func inFlight() async throws {
    let report = try await runWithStop(
      .open(rate: 100, time: .milliseconds(3200)) { scenario in scenario.inFlight = 4 })
    #expect(report.totals.completed == 320)
    #expect(report.latency.upload.max > 1.9 && report.latency.upload.p50 > 0.2)
    #expect(report.timeline.contains { $0.waiting > 50 })
  }

  @Test("a closed loop of uniform uploads fills in what it could not measure")
  func closedLoop() async throws {
    var scenario = Scenario(name: "closed", stages: [.init(from: 1, to: 1, time: .milliseconds(3200))])
    scenario.uploads[0].size = .fixed(1000)
    let upload = try await runWithStop(scenario).latency.upload
    #expect(upload.correction == .expectedInterval && upload.filledIn > 50)
    #expect(upload.p90 > 0.5 && upload.max > 1.9, "\(upload.p90) \(upload.max)")
  }
}
