extension PartialFile {
  /// What a serial job left.
  struct Progress: Equatable, Sendable {
    /// The bytes before this offset hold no memory any more.
    var written: Int64
    /// A sync makes the bytes before this offset safe.
    var flushed: Int64
    /// The end of what can be flushed.
    var flushable: Int64
    /// Not all that can be read back has been looked at yet.
    var isInspectionBehind: Bool
    /// What is to be looked at next can be read back only when it can be flushed.
    var isInspectionHeldUp: Bool
  }
}

extension PartialFile.Progress {
  /// Of a file that is not open yet, or has just been opened, at `offset`.
  init(at offset: Int64) {
    self.init(
      written: offset, flushed: offset, flushable: offset, isInspectionBehind: false, isInspectionHeldUp: false)
  }
}
