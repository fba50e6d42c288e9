import Forwarders
import Foundation
import GatewayCore

/// Every forwarder that keeps the contract. A new one is a case here.
enum ForwarderUnderTest: CaseIterable, Sendable {
  case directory

  func make() throws -> any ForwarderPlace {
    switch self {
    case .directory: try DirectoryPlace()
    }
  }
}

/// A forwarder and a look behind it.
protocol ForwarderPlace: Sendable {
  var forwarder: any Forwarder { get }
  /// The bytes of a complete upload, `nil` where there is none.
  func complete(_ key: UploadKey) -> [UInt8]?
  /// Whether anything is held of an unfinished upload.
  func holdsUnfinished(_ key: UploadKey) -> Bool
}

/// A directory store in a folder of its own, which goes with it.
final class DirectoryPlace: ForwarderPlace {
  static let threads: StoreThreads = {
    let threads = StoreThreads(count: 4)
    threads.start()
    return threads
  }()

  let path: String
  let store: DirectoryStore
  var forwarder: any Forwarder { store }
  var partialPath: String { path + "/.partial" }

  init() throws {
    path = try Self.makeFolder()
    store = try DirectoryStore(.init(directory: path), threads: Self.threads)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  static func makeFolder() throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
  }

  func complete(_ key: UploadKey) -> [UInt8]? { bytes("\(path)/\(key.text)") }
  func partial(_ key: UploadKey) -> [UInt8]? { bytes("\(partialPath)/\(key.text)") }
  func holdsUnfinished(_ key: UploadKey) -> Bool { partialNames.contains(key.text) }

  var partialNames: Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: partialPath)) ?? [])
  }
  /// What others see: the names beside the folder of unfinished uploads.
  var visibleNames: Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).subtracting([".partial"])
  }

  func plant(_ bytes: [UInt8], partial key: UploadKey) throws {
    try Data(bytes).write(to: URL(filePath: "\(partialPath)/\(key.text)"))
  }
  func plant(_ bytes: [UInt8], complete key: UploadKey) throws {
    try Data(bytes).write(to: URL(filePath: "\(path)/\(key.text)"))
  }

  private func bytes(_ path: String) -> [UInt8]? {
    FileManager.default.contents(atPath: path).map { [UInt8]($0) }
  }
}
