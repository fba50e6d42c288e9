import Foundation
import Testing
import XStream
import XStreamClient

/// A gateway that is out of file descriptors.
@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
  @Test("clients wait at no cost while no descriptor is left to accept them with, and are served when there is one")
  func waiting() async throws {
    try await withGatewayProcess { gateway in
      // Those that are open stay; there is none more.
      try await setLimit(3, gateway)
      let bytes = pattern(100_000)
      let url = try gateway.url()
      async let outcome = UploadClient.test().upload(.bytes(bytes), to: url, options: .quick())
      #expect(await eventually { gateway.log.contains("Connections wait") }, "\(gateway.log)")
      let used = try processorTicks(gateway)
      // Nothing is waited for: this is how long the processor's time is looked at.
      let span = Duration.milliseconds(700)
      try await ContinuousClock().sleep(for: span)
      let ticks = try processorTicks(gateway) - used
      #expect(ticks <= 15, "\(ticks) ticks of 10 ms in \(span)")
      try await setLimit(256, gateway)
      #expect(try gateway.folder.stored(await outcome.key.text) == bytes)
    }
  }

  /// Sets the soft limit of open files: prlimit(1).
  private func setLimit(_ count: Int, _ gateway: GatewayProcess) async throws {
    let process = try #require(gateway.program?.id)
    let result = try await Program.run(["prlimit", "--pid", "\(process)", "--nofile=\(count):"], in: gateway.folder)
    try #require(result.status == 0, "\(result.errors)")
  }

  /// User and system time: proc(5).
  private func processorTicks(_ gateway: GatewayProcess) throws -> Int {
    let process = try #require(gateway.program?.id)
    let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    let fields = try #require(text.split(separator: ")").last).split(separator: " ")
    return try #require(Int(fields[11])) + #require(Int(fields[12]))
  }
}
