import ConfigurationReading
import ContentDigests
import FuzzDriver
import GatewayCore
import TextForms

@testable import GatewayServer

/// Reads a file of tokens, and looks for the token that its first line is: what clients show, and what is registered.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTokenFile(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  let shown = text.unicodeScalars.prefix { $0 != "\n" }
  let token = String(shown)
  let body = String(text.unicodeScalars.dropFirst(shown.count + 1))
  checkEdits(body)
  guard let file = read(body) else { return 0 }
  for (_, line) in file.lines {
    checkLine(line)
    // Nobody knows the text behind a hash that was drawn.
    precondition(file.holder(of: line.text) == nil, "a line lets in by itself")
  }
  checkLookups(token, in: body, of: file)
  return 0
}

/// `nil` where there are faults, of which each has its line and says what to do.
private func read(_ text: String) -> TokenFile? {
  do throws(ConfigurationFaults) {
    return try TokenFile(text: text, file: "tokens", mayBeEmpty: true)
  } catch {
    let lines = TokenText.bodies(of: text).count
    for fault in error.faults {
      precondition((1...lines).contains(fault.line) && fault.column == 1, "a fault at \(fault.position) of \(lines)")
      precondition(!fault.message.isEmpty && !fault.hint.isEmpty, "a fault without words: \(fault)")
      let shown = fault.description.unicodeScalars.filter { $0 != "\n" }
      precondition(!shown.contains { $0.properties.generalCategory == .control }, "a control character is shown")
    }
    return nil
  }
}

/// A line that is written as it was understood is understood as the same.
private func checkLine(_ line: TokenLine) {
  precondition(TokenLine.isName(line.name) && line.group.map(TokenLine.isName) != false, "the name \(line.name)")
  let written = line.text
  guard let again = try? TokenLine(TokenText.words(of: written[...])) else {
    preconditionFailure("no line: \(written)")
  }
  precondition(again == line, "\(again) of \(line)")
  precondition(line.holder.id.count == 32, "an id of \(line.holder.id.count) bytes")
}

/// A token is found by the line that has its hash, and by no other.
private func checkLookups(_ token: String, in text: String, of file: TokenFile) {
  let salt = [UInt8](repeating: 7, count: TokenSecret.saltLength)
  let id = TokenSecret(token)?.id
  if let id { precondition(TokenSecret.isID(id) && token.hasPrefix("slc_\(id)_"), "the id \(id)") }
  guard file.holder(of: token) == nil else { return }
  let hashes =
    [TokenHash.plain(TokenHash.of(token))]
    + [id.map { TokenHash.salted(id: $0, salt: salt, TokenHash.of(token, salt: salt)) }].compactMap(\.self)
  for hash in hashes {
    var line = TokenLine(name: "fuzz", hash: hash)
    for revokedAt in [nil, WallTime(milliseconds: 0)] {
      line.revokedAt = revokedAt
      // It may be a fault: another line has the id.
      guard let more = try? TokenFile(text: "\(text)\n\(line.text)\n", file: "tokens") else { continue }
      let found = more.holder(of: token)
      precondition(found == (revokedAt == nil ? line.holder : nil), "\(found.debugDescription) for \(line)")
      precondition(more.holder(of: token + " ") == nil, "another token is let in")
      if let found { precondition(more.current(found) == found && file.current(found) == nil, "not current") }
    }
  }
}

/// An edit that changes nothing leaves every byte; one that revokes a line changes this line alone.
private func checkEdits(_ text: String) {
  precondition(TokenEdit.changed(text) { _, body in body } == text, "a text is changed by no change")
  guard let file = try? TokenFile(text: text, file: "tokens", mayBeEmpty: true) else { return }
  let now = WallTime(milliseconds: 1_000_000_000_000)
  for (number, line) in file.lines where line.revokedAt == nil {
    let marked = TokenEdit.changed(text) { $0 == number ? TokenEdit.marked($1, at: now) : $1 }
    guard let again = try? TokenFile(text: marked, file: "tokens") else { preconditionFailure("no file: \(marked)") }
    var wanted = file.lines
    for place in wanted.indices where wanted[place].number == number { wanted[place].line.revokedAt = now }
    precondition(again.lines.map(\.line) == wanted.map(\.line), "\(marked)")
    let forgotten = TokenEdit.changed(text) { $0 == number ? nil : $1 }
    guard let rest = try? TokenFile(text: forgotten, file: "tokens", mayBeEmpty: true) else {
      preconditionFailure("no file: \(forgotten)")
    }
    precondition(rest.lines.map(\.line) == file.lines.map(\.line).filter { $0 != line }, "\(forgotten)")
  }
}
