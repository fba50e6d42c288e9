/// Bytes in which every part stands behind its length, so that different parts never make the same whole.
struct CanonicalBytes {
  private(set) var bytes: [UInt8] = []

  mutating func count(_ count: Int) {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
  }

  mutating func number(_ number: Int64) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
    }
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

/// Takes such bytes apart again.
struct CanonicalReader {
  private var rest: Slice<UnsafeRawBufferPointer>

  init(_ bytes: Slice<UnsafeRawBufferPointer>) {
    rest = bytes
  }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func number() -> Int64? { take(8)?.reduce(0) { $0 << 8 | Int64($1) } }

  mutating func count() -> Int? { take(4)?.reduce(0) { $0 << 8 | Int($1) } }

  mutating func part() -> [UInt8]? { count().flatMap { take($0) } }

  private mutating func take(_ count: Int) -> [UInt8]? {
    guard count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}
