import ContentDigests
import NIOCore
import XStream

/// What uploads are cut from: made once, shared by all. Confined to one event loop, for it remembers digests.
final class ContentStock {
  /// Digests that are remembered at most.
  private static let mostDigests = 4096
  /// Above this, in bytes, digested uploads are all alike, so that their digest is computed once.
  private static let largeDigested: Int64 = 16 << 20

  private let stocks: Stocks
  private var digests: [UploadContent.Identity: StreamDigest] = [:]

  init(_ stocks: Stocks) {
    self.stocks = stocks
  }

  /// Made content, which begins at a random place of the stock.
  func made(
    _ size: Int64, _ format: UploadKind.Format, isDigested: Bool, _ random: inout SeededRandom
  ) -> UploadContent {
    let start =
      if isDigested {
        Int.random(in: 0..<Self.digestedStarts(size), using: &random) * Self.digestedStep
      } else {
        Int.random(in: 0..<UploadContent.period / 64, using: &random) * 64
      }
    return made(size, format, start: start)
  }

  /// Computes the digests that uploads of a size may have.
  func prepareDigests(_ size: Int64, _ format: UploadKind.Format) {
    for start in 0..<Self.digestedStarts(size) {
      _ = digest(of: made(size, format, start: start * Self.digestedStep))
    }
  }

  private func made(_ size: Int64, _ format: UploadKind.Format, start: Int) -> UploadContent {
    if format == .json, size == 1 { return UploadContent(file: ByteBuffer(string: "1")) }
    let stock = format == .bytes ? stocks.bytes : stocks.text
    return UploadContent(stock: stock, start: start, size: size, format: format)
  }

  private static let digestedStep = UploadContent.period / 8

  private static func digestedStarts(_ size: Int64) -> Int { size > largeDigested ? 1 : 8 }

  /// One of the files of a folder that ``Stocks`` has.
  func file(of path: String, _ random: inout SeededRandom) -> UploadContent {
    guard let files = stocks.folders[path]?.files, let file = files.randomElement(using: &random) else {
      preconditionFailure("a folder that was not read")
    }
    return UploadContent(file: file)
  }

  /// SHA-256 of a content.
  func digest(of content: UploadContent) -> StreamDigest? {
    if let known = digests[content.identity], content.isMade { return known }
    let hasher = SHA256Hasher()
    var offset: Int64 = 0
    while offset < content.size {
      let portion = content.portion(at: offset, most: UploadContent.largestPortion)
      hasher.update(portion)
      offset += Int64(portion.readableBytes)
    }
    let digest = StreamDigest(bytes: hasher.finish())
    if content.isMade, digests.count < Self.mostDigests { digests[content.identity] = digest }
    return digest
  }
}

/// The bytes themselves, for all event loops.
struct Stocks: Sendable {
  let bytes: ByteBuffer
  let text: ByteBuffer
  /// By their paths.
  let folders: [String: FolderContent]

  /// - Throws: ``LoadPlanError/folder(path:cause:)``.
  init(_ scenario: Scenario) throws(LoadPlanError) {
    bytes = Self.bytes(seed: scenario.seed)
    text = Self.text(seed: scenario.seed)
    var folders: [String: FolderContent] = [:]
    for case .folder(let path) in scenario.uploads.map(\.size) where folders[path] == nil {
      let folder: FolderContent
      do {
        folder = try FolderContent(path: path)
      } catch {
        throw .folder(path: path, cause: "\(error)")
      }
      guard !folder.files.isEmpty else { throw .folder(path: path, cause: "it has no file that can be sent") }
      folders[path] = folder
    }
    self.folders = folders
  }

  private static let words = [
    "sluice ", "water ", "gate ", "stream ", "of ", "the ", "river ", "and ", "a ", "lock ", "level ", "weir ",
    "holds ", "what ", "comes ", "until ",
  ]

  private static func bytes(seed: UInt64) -> ByteBuffer {
    var random = SeededRandom(seed: seed, series: 1 << 63)
    let words = (0..<UploadContent.period / 8).map { _ in random.next() }
    return words.withUnsafeBytes { stock(ByteBuffer(bytes: $0)) }
  }

  /// A text that repeats, but farther apart than the window of a usual compressor.
  private static func text(seed: UInt64) -> ByteBuffer {
    var random = SeededRandom(seed: seed, series: 1 << 63)
    var page = ByteBuffer()
    while page.readableBytes < UploadContent.period / 8 {
      page.writeString(words[Int.random(in: 0..<words.count, using: &random)])
    }
    page.moveWriterIndex(to: UploadContent.period / 8)
    var all = ByteBuffer()
    for _ in 0..<8 { all.writeImmutableBuffer(page) }
    return stock(all)
  }

  /// One period, followed by its own beginning, so that a portion may cross the end.
  private static func stock(_ period: ByteBuffer) -> ByteBuffer {
    var stock = period
    if var head = period.getSlice(at: 0, length: UploadContent.largestPortion) { stock.writeBuffer(&head) }
    return stock
  }
}
