internal import Synchronization

/// Writers of members that are done, with their engines' state and their memory, for members of any upload.
///
/// An engine's state is some 100 KiB, and memory that is new costs a page fault for every 4 KiB of it.
final class IdleWriters: Sendable {
  private let idle = Mutex<[CompressionEngine: [MemberWriter]]>([:])
  /// So many are kept of each engine.
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
  }

  /// A writer for a member that begins at an offset of the upload.
  func take(_ engine: CompressionEngine, rawOffset: Int64) throws(CompressionFault) -> MemberWriter {
    guard let writer = idle.withLock({ $0[engine]?.popLast() }) else {
      return MemberWriter(rawOffset: rawOffset, deflater: try engine.makeDeflater())
    }
    writer.restart(rawOffset: rawOffset)
    return writer
  }

  /// Takes back one that nobody uses any more.
  func giveBack(_ writer: MemberWriter, of engine: CompressionEngine) {
    idle.withLock { idle in
      if idle[engine, default: []].count < limit { idle[engine, default: []].append(writer) }
    }
  }
}
