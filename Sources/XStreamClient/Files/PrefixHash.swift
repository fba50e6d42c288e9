import ContentDigests
import NIOCore

/// A beginning of a file: how long it is, and its SHA-256. Whoever has it can tell later whether the file still begins
/// so.
public struct PrefixProof: Hashable, Sendable {
  /// Bytes from the file's start.
  public let end: Int64
  /// 32 bytes.
  public let digest: [UInt8]

  /// A proof that was kept.
  public init(end: Int64, digest: [UInt8]) {
    self.end = end
    self.digest = digest
  }

  /// The proof of no bytes, which holds for every file.
  static var empty: PrefixProof { PrefixHash().proof }
}

/// SHA-256 of a file's beginning, which can go back to where it was before: a lost connection sends some bytes again.
struct PrefixHash {
  private static let spacing: Int64 = 8 << 20
  private static let mostMarks = 256

  /// How many bytes were hashed.
  private(set) var count: Int64 = 0
  private var hasher = SHA256Hasher()
  private var marks: [(count: Int64, hasher: SHA256Hasher)] = []

  mutating func update(_ bytes: ByteBuffer) {
    hasher.update(bytes)
    count += Int64(bytes.readableBytes)
    guard count - (marks.last?.count ?? 0) >= Self.spacing else { return }
    if marks.count == Self.mostMarks { thinOut() }
    marks.append((count, hasher.copy()))
  }

  var proof: PrefixProof { PrefixProof(end: count, digest: hasher.copy().finish()) }

  /// Goes back to the last mark that is not behind the offset.
  mutating func goBack(to offset: Int64) {
    while let last = marks.last, last.count > offset { marks.removeLast() }
    count = marks.last?.count ?? 0
    hasher = marks.last?.hasher.copy() ?? SHA256Hasher()
  }

  /// Drops every other one of the older marks, because few uploads go far back.
  private mutating func thinOut() {
    let half = marks.count / 2
    marks = marks[..<half].enumerated().filter { $0.offset % 2 == 1 }.map(\.element) + marks[half...]
  }
}
