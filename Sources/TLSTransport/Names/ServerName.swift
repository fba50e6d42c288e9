/// The host name that a client asks for (RFC 6066, section 3), as its ClientHello has it.
enum ServerName {
  /// The name in the extension's bytes, in lower case and without a dot at its end.
  ///
  /// - Returns: `nil` for what is malformed, or has no host name of ASCII.
  static func read(_ bytes: UnsafeRawBufferPointer) -> String? {
    // A list of names behind its length; each has a type, and a length of its own.
    guard bytes.count >= 2 else { return nil }
    var rest = bytes[2...]
    guard Int(bytes[0]) << 8 | Int(bytes[1]) == rest.count else { return nil }
    while rest.count >= 3 {
      let start = rest.startIndex
      let length = Int(rest[start + 1]) << 8 | Int(rest[start + 2])
      let name = rest.dropFirst(3).prefix(length)
      guard name.count == length else { return nil }
      if rest[start] == 0 { return normal(name) }
      rest = rest.dropFirst(3 + length)
    }
    return nil
  }

  private static func normal(_ name: Slice<UnsafeRawBufferPointer>) -> String? {
    guard (1...255).contains(name.count), name.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    let text = String(decoding: name, as: UTF8.self).lowercased()
    return text.hasSuffix(".") && text.count > 1 ? String(text.dropLast()) : text
  }
}

/// Finds what stands for a name: by the name itself, and by `*` in place of its first label (RFC 9525, section 6.3).
public struct NameTable<Value: Sendable>: Sendable {
  private let values: [String: Value]

  /// - Parameter values: by name, in lower case, as `uploads.example` or `*.example`.
  public init(_ values: [String: Value]) {
    self.values = values
  }

  /// All of them.
  public var all: [String: Value] { values }

  /// The name itself goes before a wildcard.
  public func value(for name: String) -> Value? {
    if let exact = values[name] { return exact }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return values["*" + name[dot...]]
  }
}
