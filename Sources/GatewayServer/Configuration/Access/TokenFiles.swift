import ConfigurationReading

/// A token file that the configuration names, and what it names of it.
struct NamedTokenFile: Sendable {
  /// Absolute.
  var path: String
  /// `nil` where files are not looked at, or where it had faults, which have been noted.
  var tokens: TokenFile?
  /// The names and groups that routes speak of.
  var mentions: [Mention] = []

  /// A name or a group that a route lets in.
  struct Mention: Hashable, Sendable {
    var key: String
    var value: String
    var place: Place
  }
}

/// The token files of a configuration. Each is read once, and its own faults are noted once, in its own name.
final class TokenFiles {
  private(set) var all: [NamedTokenFile] = []
  /// The file of routes that name none.
  var common: String?

  func tokens(_ path: String) -> TokenFile? { all.first { $0.path == path }?.tokens }

  func note(_ mention: NamedTokenFile.Mention, of path: String) {
    guard let index = all.firstIndex(where: { $0.path == path }), !all[index].mentions.contains(mention) else { return }
    all[index].mentions.append(mention)
  }

  /// A path of a file of tokens, which is read.
  var parser: ValueParser<String> {
    ValueParser(expected: "a path") { [self] text, reading throws(ValueFault) in
      let path = try reading.absolute(checking: text)
      guard !all.contains(where: { $0.path == path }) else { return path }
      guard reading.checksFiles else {
        all.append(NamedTokenFile(path: path))
        return path
      }
      if let fault = FilePlace.faultOfFile(path) { throw fault }
      do throws(ConfigurationFaults) {
        all.append(NamedTokenFile(path: path, tokens: try TokenFile(path: path)))
      } catch {
        error.faults.forEach(reading.note)
        all.append(NamedTokenFile(path: path))
      }
      return path
    }
  }
}
