import NIOCore

/// One thing that a client sends.
enum RecordStep {
  /// A record: content, its type, so many zeros behind it; then these bits of it are turned.
  case record(content: [UInt8], type: UInt8, padding: Int, turned: [Int])
  /// A record whose content is nothing but zeros.
  case blank(Int)
  /// So many full records of data.
  case many(Int)
  /// A key update; the next records have new keys.
  case keyUpdate(request: UInt8)
  /// A message of the handshake protocol, cut into records of these sizes.
  case message([UInt8], sizes: [Int])
  /// As it is, without a cipher.
  case plain([UInt8])

  /// Whether a record has no more content than is allowed, and with its type and padding more than is allowed.
  var isTooLongByPadding: Bool {
    guard case .record(let content, _, let padding, _) = self else { return false }
    return content.count <= 1 << 14 && content.count + 1 + padding > 1 << 14 + 1
  }
}

/// What the fuzzer's bytes say.
struct RecordScript {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  mutating func byte() -> UInt8? {
    rest.popFirst()
  }

  /// The sizes in which ciphertext arrives.
  mutating func splits() -> Splits {
    Splits(state: UInt64(number()) << 16 | UInt64(number()))
  }

  mutating func next() -> RecordStep? {
    guard let kind = byte() else { return nil }
    switch kind % 10 {
    case 0, 1:
      let padding = Int(byte() ?? 0) % 4 == 0 ? number() % 300 : 0
      return .record(content: content(), type: 23, padding: padding, turned: [])
    case 2: return .record(content: bytes(Int(byte() ?? 0) % 8), type: 21, padding: 0, turned: [])
    case 3: return .keyUpdate(request: (byte() ?? 0) % 2)
    case 4:
      let message = Int(byte() ?? 0) % 3 == 0 ? bytes(Int(byte() ?? 0)) : [24, 0, 0, 1, byte() ?? 0]
      return .message(message, sizes: (0..<(Int(byte() ?? 0) % 4)).map { _ in Int(byte() ?? 0) % 8 })
    case 5: return .record(content: content(), type: byte() ?? 0, padding: number() % 40, turned: [])
    case 6: return .record(content: content(), type: 23, padding: 0, turned: [number()])
    case 7: return .plain(bytes(Int(byte() ?? 0) % 40))
    case 8: return .blank(number() % 400)
    default: return .many(Int(byte() ?? 0) % 16 + 1)
    }
  }

  /// Mostly some bytes, at times as many as a record may have, or one more.
  private mutating func content() -> [UInt8] {
    let size = byte() ?? 0
    switch size {
    case 250...: return [UInt8](repeating: size, count: (1 << 14) - 252 + Int(size))
    case 240...: return [UInt8](repeating: size, count: 1 << Int(size - 236))
    default: return bytes(Int(size))
    }
  }

  private mutating func bytes(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  private mutating func number() -> Int {
    Int(byte() ?? 0) << 8 | Int(byte() ?? 0)
  }
}

/// How ciphertext is cut into what one read brings.
struct Splits {
  var state: UInt64

  /// Sizes, the last of which is for all the rest.
  mutating func next() -> [Int] {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let draw = Int(truncatingIfNeeded: state >> 33)
    switch draw & 3 {
    case 0: return []
    case 1: return [1 + draw >> 2 % 8, 1 + draw >> 5 % 30]
    case 2: return [Int](repeating: 1, count: 12)
    default: return [draw >> 2 % 5000]
    }
  }
}
