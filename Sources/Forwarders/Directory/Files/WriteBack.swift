internal import CLinux

/// Tells the kernel now and then to begin writing what it has, so that the last sync finds little left to do.
struct WriteBack {
  /// In bytes of the file.
  static let step: Int64 = 8 << 20

  private var from: Int64

  init(from place: Int64) {
    from = place
  }

  /// The file has bytes before `place` now.
  mutating func reached(_ place: Int64, of descriptor: CInt) {
    guard place - from >= Self.step else { return }
    // Only a hint: a sync says what came of it.
    _ = sluice_begin_write_back(descriptor, from, place - from)
    from = place
  }
}
