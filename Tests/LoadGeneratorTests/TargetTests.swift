import NIOCore
import Testing

@testable import LoadGenerator

@Suite struct TargetTests {
  @Test(
    "this machine and private networks are near",
    arguments: [
      "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "100.64.0.1",
      "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1",
    ])
  func near(address: String) throws {
    #expect(TargetSearch.isNear(try SocketAddress(ipAddress: address, port: 1)))
  }

  @Test(
    "everything else is not",
    arguments: [
      "8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1",
      "::",
      "::ffff:8.8.8.8",
    ])
  func far(address: String) throws {
    #expect(!TargetSearch.isNear(try SocketAddress(ipAddress: address, port: 1)))
  }

  @Test("a run against a stranger, a closed port, nobody or nothing does not begin")
  func refused() async throws {
    func error(_ targets: [String], _ change: (inout Scenario) -> Void = { _ in }) async -> LoadPlanError? {
      var scenario = Scenario(name: "x")
      scenario.targets = targets
      change(&scenario)
      do throws(LoadPlanError) {
        _ = try await LoadPlan(scenario, LoadCredentials(), ownsTarget: false)
        return nil
      } catch { return error }
    }
    #expect(await error([]) == .noTarget)
    #expect(await error(["xstream://192.0.2.1/x"]) == .foreign("xstream://192.0.2.1/x", address: "192.0.2.1"))
    guard case .noAnswer = await error(["xstream://127.0.0.1:1/x"]) else {
      Issue.record("a closed port answered")
      return
    }
  }
}
