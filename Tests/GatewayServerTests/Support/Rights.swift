import Foundation

@testable import GatewayServer

extension GatewayUnderTest {
  /// Reads the configuration anew, as a reload will, and takes from it who may what.
  func publishRights(_ setup: GatewaySetup) throws {
    running.publishRights(of: try Preparation(setup.configuration(in: folder)))
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
