import Foundation

@testable import GatewayServer

extension GatewayUnderTest {
  /// Takes another configuration, and from it who may what.
  func publishRights(_ setup: GatewaySetup) async throws {
    _ = try await running.reload(setup.configuration(in: folder))
  }
}

extension String {
  /// A request with a token.
  func showing(_ token: String) -> String {
    if hasPrefix("headers:\n") { return "headers:\n    authorization: Bearer \(token)\n" + dropFirst(9) }
    let end = range(of: "\r\n\r\n")
    return end.map { self[..<$0.lowerBound] + "\r\nAuthorization: Bearer \(token)" + self[$0.lowerBound...] } ?? self
  }
}
