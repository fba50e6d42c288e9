/// What a stream's bytes are (protocol.md section 3).
///
/// A name that is none of the three is kept: no route takes it, so the answer is status 4 with the list of those
/// that the route takes, which helps a client more than status 1 would.
public struct StreamFormat: Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let name: String

  /// Takes a name: 1 to 64 of `a-z A-Z 0-9 - + . / _`.
  public init?(_ name: String) {
    guard (1...64).contains(name.utf8.count) else { return nil }
    guard
      name.utf8.allSatisfy({ byte in
        HeaderName.lowered(byte) != nil || "+./_".utf8.contains(byte)
      })
    else { return nil }
    self.name = name
  }

  private init(known name: String) {
    self.name = name
  }

  /// Any bytes.
  public static let bytes = StreamFormat(known: "bytes")
  /// Text.
  public static let text = StreamFormat(known: "text")
  /// JSON.
  public static let json = StreamFormat(known: "json")

  /// As on the wire.
  public var description: String { name }

  /// Reads the list that comes with status 4: names with `, ` between them.
  static func list(_ text: String) -> [StreamFormat]? {
    let names = text.split(separator: ",").map { StreamFormat(String($0.drop { $0 == " " })) }
    let formats = names.compactMap(\.self)
    return formats.count == names.count && !formats.isEmpty ? formats : nil
  }
}
