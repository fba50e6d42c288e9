import Foundation
import Synchronization

/// A program that runs. Its outputs go to files: a pipe would stay open as long as any other program that was started
/// at the same moment holds a copy of it.
final class Program: Sendable {
  struct Result: Sendable {
    /// The exit status, or minus the signal that ended it.
    let status: Int32
    let output: String
    let errors: String
  }

  private let process: Process
  private let outputPath: String
  private let errorPath: String
  private let end: AsyncStream<Int32>

  /// Starts it. `arguments[0]` is looked up in PATH.
  ///
  /// - Parameters:
  ///   - input: a file for its standard input.
  ///   - environment: on top of this process's own.
  init(
    _ arguments: [String], input: String = "/dev/null", environment: [String: String] = [:], in folder: GatewayFolder
  ) throws {
    let name = folder.path + "/program-" + UUID().uuidString
    (outputPath, errorPath) = (name + ".out", name + ".err")
    process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["XDG_STATE_HOME": folder.path + "/client-state"].merging(environment) { $1 }
    ) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: URL(filePath: input))
    for path in [outputPath, errorPath] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: outputPath))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errorPath))
    let (end, feed) = AsyncStream.makeStream(of: Int32.self)
    self.end = end
    process.terminationHandler = { process in
      feed.yield(process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
      feed.finish()
    }
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  var output: String { text(outputPath) }
  var errors: String { text(errorPath) }
  var isRunning: Bool { process.isRunning }
  var id: Int32 { process.processIdentifier }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Waits for its end. Once.
  func wait() async -> Result {
    var status: Int32 = .min
    for await end in end { status = end }
    return Result(status: status, output: output, errors: errors)
  }

  /// Runs a program to its end.
  static func run(
    _ arguments: [String], input: String = "/dev/null", environment: [String: String] = [:], in folder: GatewayFolder
  ) async throws -> Result {
    try await Program(arguments, input: input, environment: environment, in: folder).wait()
  }

  private func text(_ path: String) -> String {
    String(decoding: (try? Data(contentsOf: URL(filePath: path))) ?? Data(), as: UTF8.self)
  }

  /// Whether there is such a program.
  static func isInstalled(_ name: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: $0 + "/" + name)
    }
  }
}
