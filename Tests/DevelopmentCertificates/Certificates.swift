import Foundation

/// Certificates that `certs/make` made for this run of the tests.
public enum Certificates {
  /// Their folder; it goes when the tests end.
  public static let directory: String = {
    let directory = NSTemporaryDirectory() + "sluice-tests-" + UUID().uuidString
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "certs/make").path
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [script, directory]
    process.standardOutput = FileHandle.nullDevice
    do { try process.run() } catch { preconditionFailure("certs/make cannot be run: \(error)") }
    process.waitUntilExit()
    precondition(process.terminationStatus == 0, "certs/make failed")
    atexit { try? FileManager.default.removeItem(atPath: Certificates.directory) }
    return directory
  }()

  /// The authority that signed the server's.
  public static var ca: String { directory + "/ca.pem" }
}
