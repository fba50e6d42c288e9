package import ConfigurationReading
package import GatewayCore

/// What `sluice token` does to a file of tokens. Comments, and whatever else stands in the file, stay as they are.
package enum TokenEdit {
  /// What names and groups are made of, for a person.
  package static var nameHint: String { TokenLine.nameHint }

  /// Whether a text can be a name or a group.
  package static func isName(_ text: String) -> Bool { TokenLine.isName(text) }

  /// What is wrong with a path that a token is to be good for; `nil` where nothing is.
  package static func faultOfRoute(_ path: String) -> String? {
    do throws(ValueFault) {
      _ = try RoutePath.parse(path)
      return nil
    } catch {
      return error.message
    }
  }

  /// A token that is to be made.
  package struct Wish: Sendable {
    /// Whom logs and quotas know it by.
    package var name: String
    package var group: String?
    /// `nil` for all.
    package var routes: [String]?
    /// `nil` for ever.
    package var expiresAt: WallTime?

    /// All of it.
    package init(name: String, group: String?, routes: [String]?, expiresAt: WallTime?) {
      self.name = name
      self.group = group
      self.routes = routes
      self.expiresAt = expiresAt
    }
  }

  /// Adds a token to the file, which is made where it is missing.
  ///
  /// - Returns: the token, which is kept nowhere, and how many of that name are good now.
  /// - Throws: the file's faults, or what keeps it from being written.
  package static func add(
    _ wish: Wish, to path: String, now: WallTime
  ) throws(ConfigurationFaults) -> (secret: TokenSecret, ofName: Int) {
    let folder = try TokenFileWriting(path)
    let text = try folder.text() ?? ""
    let file = try TokenFile(text: text, file: path, mayBeEmpty: true)
    let (secret, salt) = (TokenSecret.make(), TokenSecret.makeSalt())
    let line = TokenLine(
      name: wish.name, hash: .salted(id: secret.id, salt: salt, TokenHash.of(secret.text, salt: salt)),
      group: wish.group, routes: wish.routes, createdAt: now, expiresAt: wish.expiresAt)
    let isOpen = !text.isEmpty && text.last?.isNewline == false
    try folder.replace(with: text + (isOpen ? "\n" : "") + line.text + "\n")
    let others = file.lines.count { $0.line.name == wish.name && $0.line.isGood(at: now) }
    return (secret, others + 1)
  }

  /// Takes tokens away: their lines say so from then on, or go.
  ///
  /// - Parameters:
  ///   - id: of one token; `nil` for all of the name.
  ///   - forgets: whether the lines go, those that were revoked before as well.
  /// - Returns: the ids of those that were taken away.
  /// - Throws: the file's faults, or what keeps it from being written.
  package static func revoke(
    name: String, id: String?, forgets: Bool, in path: String, now: WallTime
  ) throws(ConfigurationFaults) -> [String] {
    let folder = try TokenFileWriting(path)
    let text = try folder.text() ?? ""
    let file = try TokenFile(text: text, file: path)
    let meant = file.lines.filter { number, line in
      line.name == name && (id == nil || line.id == id) && (forgets || line.revokedAt == nil)
    }
    guard !meant.isEmpty else {
      let names = Set(file.lines.map(\.line.name)).sorted()
      let nearest = Suggestion.nearest(to: name, among: names).map { "did you mean `\($0)`?" }
      throw ConfigurationFaults(
        [
          ConfigurationFault(
            file: path, line: 0, column: 0,
            message: "no token of `\(name)`\(id.map { " with the id \($0)" } ?? "") that could be revoked",
            hint: names.contains(name)
              ? "`sluice token list` says which there are"
              : nearest ?? "the names are: \(names.joined(separator: ", "))")
        ], mainFile: path)
    }
    let numbers = Set(meant.map(\.number))
    try folder.replace(
      with: changed(text) { number, body in
        guard numbers.contains(number) else { return body }
        return forgets ? nil : marked(body, at: now)
      })
    return meant.map(\.line.id)
  }

  /// The text with each line as `change` has it; a line that it makes `nil` goes with its end.
  static func changed(_ text: String, _ change: (_ number: Int, Substring) -> Substring?) -> String {
    var result = ""
    var rest = text[...]
    for (index, body) in TokenText.bodies(of: text).enumerated() {
      rest = rest[body.endIndex...]
      let end = rest.prefix(1)
      rest = rest.dropFirst()
      if let body = change(index + 1, body) { result += body + end }
    }
    return result
  }

  static func marked(_ body: Substring, at now: WallTime) -> Substring {
    let statement = body.prefix { $0 != "#" }
    let words = statement.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
    let comment = body[statement.endIndex...]
    let line = String(words) + " " + TokenLine.revocation(at: now) + (comment.isEmpty ? "" : " " + comment)
    return line[...]
  }
}

extension TokenLine {
  func isGood(at now: WallTime) -> Bool { revokedAt == nil && (expiresAt.map { now < $0 } ?? true) }
}
