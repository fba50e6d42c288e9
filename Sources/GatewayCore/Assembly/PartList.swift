/// The parts of one upload, in order, as far as its bytes are concerned.
struct PartList: Sendable {
  /// Bytes that a sink copies at a time: others' jobs are not held up by more.
  static let slice: Int64 = 16 << 20

  /// The upload's bytes in all.
  let total: Int64
  /// Where each part begins in the upload. Parts without a byte are left out.
  private let parts: [(start: Int64, part: SinkUpload)]

  /// - Parameter records: of full parts, as often as they stand in the upload.
  /// - Returns: `nil` where one of them is not full, or the sum is beyond all sizes.
  init?(_ records: [UploadRecord]) {
    var (total, parts): (Int64, [(start: Int64, part: SinkUpload)]) = (0, [])
    for record in records {
      guard record.isFullPart, !total.addingReportingOverflow(record.committed).overflow else { return nil }
      if record.committed > 0 { parts.append((total, SinkUpload(facts: record.facts, state: record.storeState))) }
      total += record.committed
    }
    self.total = total
    self.parts = parts
  }

  /// What is to be copied next; `nil` at the end.
  ///
  /// - Parameter offset: in the upload.
  func next(from offset: Int64) -> PartSlice? {
    guard offset >= 0, offset < total, let index = parts.lastIndex(where: { $0.start <= offset }) else { return nil }
    let end = index + 1 < parts.count ? parts[index + 1].start : total
    let begin = offset - parts[index].start
    return PartSlice(part: parts[index].part, range: begin..<min(begin + Self.slice, end - parts[index].start))
  }
}

extension UploadRecord {
  /// Whether it is a part that has all its bytes, safe.
  var isFullPart: Bool { isOpenPart && facts.total == committed }

  /// Whether it is a part that may still be used.
  var isOpenPart: Bool { state == .open && facts.role == .part }
}
