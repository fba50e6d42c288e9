internal import NIOCore

/// Cuts an upload's bytes into pieces of members, and says which of them may be compressed: several at once, each as soon as
/// it is whole. What comes out leaves in order. Has no I/O and no threads.
///
/// A member that is not full yet is begun only where nothing else is to be done for the upload, so that the bytes of a
/// slow client do not stay in memory; those of a fast one come in whole members, of which as many are compressed at a time
/// as there are processors.
struct GzipScheduler {
  /// Raw bytes of a member, except the last and those that were ended early.
  let memberSize: Int
  /// Pieces that may be compressed at once. As many again may be compressed and not yet taken: each member has its compressor's
  /// state until it is in the file, and a disk that is slow must not make that many.
  let limit: Int

  private var waiting = PendingBytes()
  /// Offset after what was cut into pieces.
  private var cut: Int64
  /// What has been begun and has bytes to come, and how many it has.
  private var open: (member: Member, count: Int)?
  /// Pieces that were given out and not yet taken back, in order.
  private var pieces: [(piece: MemberPiece, isCompressed: Bool)] = []
  private var running = 0
  /// The member with the byte before this offset ends with what there is of it.
  private var flushTarget: Int64?

  init(from offset: Int64, memberSize: Int, limit: Int) {
    cut = offset
    self.memberSize = memberSize
    self.limit = limit
  }

  /// Largest members. Smaller ones cost space: those of 128 KiB 2.8 in a hundred of a log at zlib's level 6.
  static let memberSizes = (128 << 10)...(1 << 20)

  /// Members of which the window has one that is compressed by each processor and one that waits for it, while as many others
  /// arrive: reading goes on when half the window is free.
  static func memberSize(window: Int, processors: Int) -> Int {
    let fitting = window / (4 * max(processors, 1)) / memberSizes.lowerBound * memberSizes.lowerBound
    return min(max(fitting, memberSizes.lowerBound), memberSizes.upperBound)
  }

  /// Nothing is waiting or under way, and no member is open.
  var isEmpty: Bool { waiting.isEmpty && pieces.isEmpty && open == nil }
  /// ``takeCompressed()`` has something to give.
  var hasCompressed: Bool { pieces.first?.isCompressed == true }

  /// The upload's next bytes.
  mutating func append(_ bytes: ByteBuffer) {
    waiting.append(bytes)
  }

  /// Everything that was appended goes on its way, and its last member ends: a checkpoint, or the end.
  mutating func flush() {
    if !waiting.isEmpty || open != nil { flushTarget = cut + Int64(waiting.count) }
  }

  /// The next piece to be compressed, of which ``compressed(_:)`` is to be told; `nil` for none at this time.
  ///
  /// - Parameter isIdle: nothing else is under way for the upload.
  mutating func next(isIdle: Bool) -> MemberPiece? {
    guard running < limit, pieces.count < 2 * limit, !isOpenMemberBusy else { return nil }
    let room = memberSize - (open?.count ?? 0)
    let count = min(waiting.count, room)
    guard count == room || flushTarget != nil || (isIdle && running == 0 && count > 0) else { return nil }
    let isFlushed = flushTarget.map { $0 <= cut + Int64(count) } ?? false
    if isFlushed { flushTarget = nil }
    let member = open?.member ?? Member(rawOffset: cut)
    let piece = MemberPiece(
      of: member, bytes: waiting.take(count), beginsMember: open == nil, endsMember: isFlushed || count == room,
      end: cut + Int64(count))
    cut = piece.end
    open = piece.endsMember ? nil : (member, memberSize - room + count)
    pieces.append((piece, false))
    running += 1
    return piece
  }

  /// The piece is compressed.
  mutating func compressed(_ piece: MemberPiece) {
    guard let index = pieces.firstIndex(where: { $0.piece === piece }) else { return }
    pieces[index].isCompressed = true
    running -= 1
  }

  /// The next pieces that go into the file, in order.
  mutating func takeCompressed() -> [MemberPiece] {
    let ready = pieces.prefix { $0.isCompressed }
    pieces.removeFirst(ready.count)
    return ready.map(\.piece)
  }

  /// Forgets everything; pieces that are being compressed count no more.
  mutating func removeAll() {
    waiting.removeAll()
    (pieces, open, flushTarget, running) = ([], nil, nil, 0)
  }

  /// A member's pieces are compressed one after another, and the open one's is the last.
  private var isOpenMemberBusy: Bool {
    guard open != nil, let last = pieces.last else { return false }
    return !last.isCompressed
  }
}
