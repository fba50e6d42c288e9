/// Classes of sizes whose borders are powers of 4.
enum SizeClasses {
  /// The class of a size: 0 for 0 and 1 byte, and `n` for sizes above 4^(n-1) up to 4^n.
  static func index(of size: Int64) -> Int {
    guard size > 1 else { return 0 }
    return (Int64.bitWidth - (size - 1).leadingZeroBitCount + 1) / 2
  }

  /// The sizes of a class.
  static func range(_ index: Int) -> (from: Int64, to: Int64) {
    index == 0 ? (0, 1) : ((1 << (2 * (index - 1))) + 1, 1 << (2 * index))
  }
}
