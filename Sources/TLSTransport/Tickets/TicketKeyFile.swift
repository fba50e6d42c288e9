internal import TextForms

/// Keys of tickets that several servers share: a text file with one key a line, each 160 hexadecimal digits, as
/// `openssl rand -hex 80` prints them. The first encrypts. Empty lines do not count, nor does what stands behind `#`.
public enum TicketKeyFile {
  /// The most keys in a file.
  public static let limit = 16

  /// Reads the file.
  ///
  /// - Throws: a ``TLSConfigurationError`` that names the file and the line, and says nothing of the keys.
  public static func read(_ path: String) throws(TLSConfigurationError) -> [TicketKey] {
    let file = try PEMFile(path: path)
    guard !file.isWorldReadable else {
      throw .notUnderstood(
        path: path, line: 0, cause: "every user of this machine can read these keys; run `chmod o-r`")
    }
    var keys: [TicketKey] = []
    let lines = file.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let word = line.prefix { $0 != "#" }.filter { !" \t".contains($0) }
      if word.isEmpty { continue }
      var bytes = Hexadecimal.bytes(word) ?? []
      defer { wipe(&bytes) }
      guard let key = TicketKey(bytes) else {
        throw .notUnderstood(
          path: path, line: index + 1,
          cause: "not 160 hexadecimal digits; `openssl rand -hex 80` prints a key")
      }
      guard !keys.contains(where: { $0.name == key.name }) else {
        throw .notUnderstood(path: path, line: index + 1, cause: "a key with this name stands here before; remove one")
      }
      keys.append(key)
    }
    guard (1...limit).contains(keys.count) else {
      throw .notUnderstood(path: path, line: 0, cause: "\(keys.count) keys; 1 to \(limit) are taken")
    }
    return keys
  }
}
