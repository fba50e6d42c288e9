import TextForms

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A path as the system has it: bytes, which need not be UTF-8.
public struct LocalPath: Hashable, Sendable, CustomStringConvertible {
  /// Without the NUL at the end.
  public let bytes: [UInt8]

  /// A path; it ends before a NUL.
  public init(bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes.prefix { $0 != 0 })
  }

  /// A path of UTF-8.
  public init(_ text: String) {
    self.init(bytes: text.utf8)
  }

  /// For a person: what is not UTF-8 is shown as U+FFFD.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// What is behind the last slash that has something behind it.
  public var name: LocalPath {
    let slash = UInt8(ascii: "/")
    guard let last = bytes.lastIndex(where: { $0 != slash }) else { return self }
    let first = bytes[..<last].lastIndex(of: slash).map { $0 + 1 } ?? 0
    return LocalPath(bytes: bytes[first...last])
  }

  /// Without symbolic links, from the root on. The file itself need not be there.
  public var resolved: LocalPath {
    if let real { return real }
    let slash = UInt8(ascii: "/")
    let name = self.name
    guard name != self, let end = bytes.lastIndex(where: { $0 != slash }) else {
      return LocalPath(".").real?.appending(self) ?? self
    }
    let folder = LocalPath(bytes: bytes[...end].dropLast(name.bytes.count))
    return folder.real?.appending(name) ?? self
  }

  private var real: LocalPath? {
    guard let path = withCString({ realpath($0, nil) }) else { return nil }
    defer { free(path) }
    return LocalPath(bytes: UnsafeRawBufferPointer(start: path, count: strlen(path)))
  }

  private func appending(_ name: LocalPath) -> LocalPath {
    let slash = UInt8(ascii: "/")
    return LocalPath(bytes: bytes + (bytes.last == slash ? [] : [slash]) + name.bytes)
  }

  func withCString<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
    SystemText.withCString(bytes, body)
  }
}

/// A string where the bytes are UTF-8, a list of numbers elsewhere.
extension LocalPath: Codable {
  /// Reads either form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      self.init(text)
    } else {
      self.init(bytes: try container.decode([UInt8].self))
    }
  }

  /// Writes the readable form where there is one.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let text = String(validating: bytes, as: UTF8.self) {
      try container.encode(text)
    } else {
      try container.encode(bytes)
    }
  }
}
