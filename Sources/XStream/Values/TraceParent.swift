/// A W3C trace context's `traceparent`, passed on as it came. One of the wrong shape is ignored, as W3C Trace
/// Context section 3.2 asks, and does not make a packet malformed.
public struct TraceParent: Hashable, Sendable, CustomStringConvertible {
  /// The value: `VERSION-TRACEID-PARENTID-FLAGS` in lower-case hexadecimal.
  public let text: String

  /// Takes a value of the right shape: version not `ff`, neither id all zeros, and nothing after the flags unless
  /// the version is newer than `00`.
  public init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count >= 4, zip(parts, [2, 32, 16, 2]).allSatisfy({ $0.count == $1 }) else { return nil }
    guard parts.prefix(4).allSatisfy({ $0.allSatisfy(Self.isLowerHex) }) else { return nil }
    guard !parts[0].elementsEqual("ff".utf8), !parts[1...2].contains(where: { $0.allSatisfy { $0 == 48 } }) else {
      return nil
    }
    guard parts.count == 4 || !parts[0].elementsEqual("00".utf8) else { return nil }
    self.text = text
  }

  /// As on the wire.
  public var description: String { text }

  private static func isLowerHex(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
