/// Bytes in which every part stands behind its length, so that different parts never make the same whole.
struct CanonicalBytes {
  private(set) var bytes: [UInt8] = []

  mutating func count(_ count: Int) {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
  }

  mutating func part(_ part: some Collection<UInt8>) {
    count(part.count)
    bytes.append(contentsOf: part)
  }

  /// Adds a set: neither the order of its parts nor how often one occurs makes a difference.
  mutating func set(_ parts: [[UInt8]]) {
    let sorted = parts.sorted { $0.lexicographicallyPrecedes($1) }
    let distinct = sorted.enumerated().filter { $0.offset == 0 || $0.element != sorted[$0.offset - 1] }.map(\.element)
    count(distinct.count)
    for one in distinct { part(one) }
  }
}
