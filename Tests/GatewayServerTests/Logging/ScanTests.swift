import Foundation
import NIOCore
import TestPrerequisites
import Testing
import XStreamClient

/// What strangers do to a public port is nothing that an operator wants to read by default.
@Suite(.timeLimit(.minutes(3))) struct ScanTests {
  private struct Record {
    let level: String
    let message: String
    let metadata: [String: Any]
  }

  private func records(_ log: String) throws -> [Record] {
    try log.split(separator: "\n").map { line in
      let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
      return Record(
        level: try #require(object["level"] as? String), message: try #require(object["message"] as? String),
        metadata: object["metadata"] as? [String: Any] ?? [:])
    }
  }

  @Test(
    "a scan by sslscan writes no line above debug; in JSON numbers are numbers, and so is what standard output has",
    .enabled(if: try Prerequisite.isMet(Program.isInstalled("sslscan"), "sslscan")))
  func scan() async throws {
    var setup = GatewaySetup()
    setup.logLevel = "debug, format: json"
    setup.more = "http: {}"
    try await withGatewayProcess(setup) { gateway in
      // Standard output may be heard before the log is.
      #expect(await eventually { gateway.log.contains("Gateway listens") && gateway.log.hasSuffix("\n") })
      let before = try records(gateway.log).count
      let scan = try await Program.run(["sslscan", "--no-colour", "127.0.0.1:\(gateway.port)"], in: gateway.folder)
      #expect(scan.status == 0 && scan.output.contains("TLSv1.3   enabled"), "\(scan.output) \(scan.errors)")
      let scanned = try records(gateway.log).dropFirst(before)
      #expect(scanned.count > 20, "\(scanned.count) lines")
      #expect(scanned.filter { $0.level != "debug" && $0.level != "trace" }.map(\.message) == [])
      _ = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
      #expect(await eventually { gateway.log.contains("Upload complete") })
      let line = try #require(try records(gateway.log).first { $0.message == "Upload complete" })
      #expect(line.metadata["size"] as? Int == 1000 && line.metadata["resumes"] as? Int == 0)
      #expect(line.metadata["seconds"] is Double && line.metadata["file"] is String?)
      let result = try #require(await gateway.terminate())
      #expect(try records(result.output).map(\.message) == ["sluice listens on 127.0.0.1:\(gateway.port)"])
      #expect(try records(result.errors).first { $0.message == "Gateway listens" }?.metadata["window"] is Int)
    }
  }
}
