import Foundation

/// The certificate of the embedded default, for this machine alone.
enum DevelopmentCertificate {
  private static let folder = "certs/dev"
  private static let script = "certs/make"

  /// Runs the project's own script where there is no certificate yet.
  static func makeIfMissing() throws {
    let files = FileManager.default
    guard !files.fileExists(atPath: folder + "/server.pem") else { return }
    guard files.isExecutableFile(atPath: script) else {
      throw CommandFailure(
        """
        there is no \(folder)/server.pem, and no \(script) to make it with: run this in Sluice's own folder, \
        or write a configuration and name it with --config
        """)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: script)
    process.arguments = [folder]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.standardError
    do {
      try process.run()
    } catch {
      throw CommandFailure("\(script) cannot be run: \(error.localizedDescription)")
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CommandFailure("\(script) failed with exit status \(process.terminationStatus); its words are above")
    }
  }
}
