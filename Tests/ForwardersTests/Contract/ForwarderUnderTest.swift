@testable import Forwarders
import Foundation
import GatewayCore

/// Every forwarder that keeps the contract. A new one is a case here.
enum ForwarderUnderTest: CaseIterable, Sendable {
  case directory
  case gzip
  #if ISAL
    case fastGzip
  #endif
  case everything
  case pipe
  case pipeToUnixSocket
  case pipeOverTLS
  /// Whole parts alone are safe.
  case parts

  /// What it has to say of itself. The contract is about this alone.
  var traits: ForwarderTraits {
    switch self {
    case .pipe, .pipeToUnixSocket, .pipeOverTLS:
      ForwarderTraits(survivesRestart: false, holdsFiles: false, truncates: false)
    case .parts:
      ForwarderTraits(survivesRestart: true, holdsFiles: true, truncates: true, granularity: MemoryBucket.partSize)
    default: ForwarderTraits(survivesRestart: true, holdsFiles: true, truncates: true, assembles: true)
    }
  }

  static let thatAssemble = allCases.filter(\.traits.assembles)
  static let thatTruncate = allCases.filter(\.traits.truncates)
  static let thatSurviveRestarts = allCases.filter(\.traits.survivesRestart)
  static let thatDoNotSurviveRestarts = allCases.filter { !$0.traits.survivesRestart }
  /// Those that can say of an upload that it is not to be taken for complete. A unix socket's end is always in order.
  static let thatTakeBack = allCases.filter { $0 != .pipeToUnixSocket }

  /// What a checkpoint or a suspension makes safe of so many bytes.
  func safe(_ count: Int) -> Int { count / Int(traits.granularity) * Int(traits.granularity) }

  /// Bytes that a test adds, so that there are some that can be safe.
  var grain: Int { traits.granularity == 1 ? 0 : Int(traits.granularity) }

  func make() async throws -> any ForwarderPlace {
    switch self {
    case .directory: try DirectoryPlace()
    case .gzip: try DirectoryPlace { $0.engine = .zlib(level: 6) }
    #if ISAL
      case .fastGzip: try DirectoryPlace { $0.engine = .igzip }
    #endif
    case .everything:
      try DirectoryPlace {
        $0.engine = .zlib(level: 1)
        $0.name = (try? NameTemplate(parsing: "{client}/{date}/{name}-{key}")) ?? .key
        $0.metadata = .sidecar
        $0.checksContent = true
      }
    case .pipe: try await PipePlace()
    case .pipeToUnixSocket: try await PipePlace(atUnixSocket: true)
    case .pipeOverTLS: try await PipePlace(overTLS: true)
    case .parts: MemoryPlace()
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
  /// Another gateway's forwarder in the same place, of which no sink is left. Only for what survives restarts.
  func restarted() async throws -> any ForwarderPlace
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

  let settings: DirectoryStore.Settings

  init(_ change: (inout DirectoryStore.Settings) -> Void = { _ in }) throws {
    path = try Self.makeFolder()
    var settings = DirectoryStore.Settings(directory: path)
    change(&settings)
    self.settings = settings
    store = try DirectoryStore(settings, threads: Self.threads)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The first store lives on beside it, so the folder is copied to where it is free: with all that is in it.
  func restarted() async throws -> any ForwarderPlace {
    let copy = try DirectoryPlace { [settings] in
      let path = $0.directory
      $0 = settings
      $0.directory = path
    }
    for name in partialNames {
      try FileManager.default.copyItem(atPath: "\(partialPath)/\(name)", toPath: "\(copy.partialPath)/\(name)")
    }
    return copy
  }

  /// A store in a folder that another one had. That holds it until the last of its sinks is gone.
  static func reopen(_ settings: DirectoryStore.Settings) async throws -> DirectoryStore {
    for _ in 0..<200 {
      do { return try DirectoryStore(settings, threads: threads) } catch {
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    return try DirectoryStore(settings, threads: threads)
  }

  static func makeFolder() throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
  }

  /// Where a complete upload lies that nothing more is known of than its key.
  func finalPath(_ key: UploadKey) -> String {
    let upload = SinkUpload(key: key, total: nil)
    return path + "/" + settings.form(ofNew: upload.facts).place.path
  }

  func complete(_ key: UploadKey) -> [UInt8]? {
    guard settings.engine != nil else { return bytes(finalPath(key)) }
    return FileManager.default.fileExists(atPath: finalPath(key)) ? try? Gunzip.bytes(finalPath(key)) : nil
  }
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

/// Another program's word on gzip files.
enum Gunzip {
  struct Failed: Error {
    var status: Int32
  }

  /// What `gzip -dc` makes of a file.
  static func bytes(_ path: String) throws -> [UInt8] { try run("gzip", ["-dc", path]) }

  /// Runs a program and gives back what it wrote.
  static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
    let file = FileManager.default.temporaryDirectory.appending(path: "sluice-input-\(UUID().uuidString)")
    try Data(input).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
    return [UInt8](bytes)
  }
}

extension DirectoryStore {
  /// What became of uploads that cannot simply go on, where the ledger has no others.
  func recover(_ unfinished: [UploadRecord]) async throws -> [UploadKey: RecoveredUpload] {
    try await recover(unfinished, besides: []).uploads
  }
}

extension RecoveredUpload {
  var isDamaged: Bool {
    if case .damaged = self { true } else { false }
  }
}
