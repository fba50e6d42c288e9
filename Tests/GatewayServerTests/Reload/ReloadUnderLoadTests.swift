import Foundation
import Synchronization
import Testing
import XStream
import XStreamClient

/// Uploads, while the gateway takes its configuration anew again and again.
@Suite(.timeLimit(.minutes(3))) struct ReloadUnderLoadTests {
  @Test("of many uploads none fails, and each has all of its bytes")
  func underLoad() async throws {
    var setup = GatewaySetup()
    setup.logLevel = "info"
    try await withGatewayProcess(setup) { gateway in
      let folder = gateway.folder
      let isDone = Flag()
      // Limits, format of files, certificate and log level change with each.
      let certificate = try RenewableCertificate(in: folder)
      async let reloads: Int = { () async throws -> Int in
        var number = 0
        while !isDone.isUp {
          number += 1
          var setup = GatewaySetup()
          setup.certificate = number % 2 == 0 ? nil : certificate.files
          setup.logLevel = number % 2 == 0 ? "info" : "warning"
          setup.routes = GatewaySetup.plainRoute("limits: {concurrent: \(200 + number)}, resume-for: \(number)h")
          setup.routes += "  /extra\(number): {store: {directory: extra\(number)}}\n"
          try gateway.configure(setup)
          let result = try await gateway.reload()
          guard result.status == 0 else { throw Unexpected(result.errors) }
        }
        return number
      }()
      // Each with a connection of its own, and one try.
      let keys = try await withThrowingTaskGroup(of: [String].self) { group in
        for worker in 0..<8 {
          group.addTask {
            var keys: [String] = []
            for number in 0..<25 {
              let size = number % 5 == 0 ? 3_000_000 : 30_000
              let outcome = try await UploadClient.test().upload(
                .bytes(pattern(size, seed: UInt8(worker))), to: gateway.url(), options: .once)
              keys.append(outcome.key.text)
            }
            return keys
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      isDone.raise()
      #expect(try await reloads > 3)
      #expect(Set(keys).count == 200)
      try folder.expectSound(unfinished: 0)
    }
  }

  private final class Flag: Sendable {
    private let value = Atomic(false)
    var isUp: Bool { value.load(ordering: .relaxed) }
    func raise() { value.store(true, ordering: .relaxed) }
  }

  private struct Unexpected: Error {
    let words: String
    init(_ words: String) { self.words = words }
  }
}
