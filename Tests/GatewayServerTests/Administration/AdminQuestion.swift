import Foundation
import Testing

@testable import GatewayServer

/// What an operator's program asks, by curl.
enum AdminQuestion {
  struct Answer: Sendable {
    /// 0 where there was no answer.
    let status: Int
    let body: String
  }

  static func ask(
    _ gateway: GatewayUnderTest, _ path: String, _ options: [String] = [], scheme: String = "http"
  ) async throws -> Answer {
    let address = try #require(gateway.running.adminAddress)
    let place =
      address.hasPrefix("unix:")
      ? ["--unix-socket", String(address.dropFirst(5)), "http://localhost\(path)"] : ["\(scheme)://\(address)\(path)"]
    let result = try await Program.run(
      ["curl", "-s", "-m", "30", "-w", "\n%{http_code}"] + options + place, in: gateway.folder)
    let end = result.output.lastIndex(of: "\n") ?? result.output.startIndex
    return Answer(
      status: Int(result.output[end...].trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0,
      body: String(result.output[..<end]))
  }
}

/// Metrics as they were read.
struct ReadMetrics {
  /// By the whole name, labels included.
  let values: [String: Double]
  let text: String

  init(_ text: String) {
    self.text = text
    let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line -> (String, Double)? in
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
        return nil
      }
      return (String(line[..<space]), value)
    }
    values = Dictionary(samples, uniquingKeysWith: { $0 + $1 })
  }

  subscript(name: String) -> Double? { values[name] }

  /// Name and type of each family.
  var families: [String: String] {
    let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ") }
    return Dictionary(types.map { (String($0[2]), String($0[3])) }, uniquingKeysWith: { first, _ in first })
  }
}

extension GatewayUnderTest {
  func metrics() async throws -> ReadMetrics {
    let answer = try await AdminQuestion.ask(self, "/metrics")
    #expect(answer.status == 200)
    return ReadMetrics(answer.body)
  }
}

extension GatewaySetup {
  /// With operators that are answered on a free port.
  static var administered: GatewaySetup {
    var setup = GatewaySetup()
    setup.more = "admin: {listen: 127.0.0.1:0}"
    return setup
  }
}
