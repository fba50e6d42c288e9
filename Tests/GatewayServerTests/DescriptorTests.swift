import Foundation
import Glibc
import NIOCore
import NIOPosix
import Testing
import XStreamClient

/// A gateway that is out of file descriptors.
@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
  @Test("clients wait at no cost while no descriptor is left to accept them with, and are served when there is one")
  func waiting() async throws {
    try await withGatewayProcess { gateway in
      let process = try #require(gateway.program?.id)
      let before = try limit(process, nil)
      // Those that are open stay; there is none more.
      _ = try limit(process, 3)
      let bytes = pattern(100_000)
      let url = try gateway.url()
      async let outcome = UploadClient.test().upload(.bytes(bytes), to: url, options: .quick())
      #expect(await eventually { gateway.log.contains("Connections wait") }, "\(gateway.log)")
      let (used, clock) = (try processorTicks(process), ContinuousClock())
      let span = Duration.milliseconds(700)
      try await clock.sleep(for: span)
      let ticks = try processorTicks(process) - used
      #expect(ticks <= 15, "\(ticks) ticks of 10 ms in \(span)")
      _ = try limit(process, before)
      #expect(try gateway.folder.stored(await outcome.key.text) == bytes)
    }
  }

  /// Sets the process's limit of open files where one is given.
  /// - Returns: the limit before.
  private func limit(_ process: pid_t, _ count: rlim_t?) throws -> rlim_t {
    var old = rlimit()
    try #require(prlimit(process, RLIMIT_NOFILE, nil, &old) == 0)
    guard let count else { return old.rlim_cur }
    var new = rlimit(rlim_cur: count, rlim_max: old.rlim_max)
    try #require(prlimit(process, RLIMIT_NOFILE, &new, nil) == 0)
    return old.rlim_cur
  }

  /// User and system time, proc(5).
  private func processorTicks(_ process: pid_t) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    let fields = try #require(text.split(separator: ")").last).split(separator: " ")
    return try #require(Int(fields[11])) + #require(Int(fields[12]))
  }
}
