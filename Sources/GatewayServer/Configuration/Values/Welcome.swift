import ConfigurationReading
import GatewayCore

/// Decides who may upload to a route: what its `access` says, or what its absence means for this listener.
struct Welcome {
  /// Whether only this machine can reach the listener.
  var isLoopback: Bool
  /// Whether the listener verifies clients' certificates.
  var asksCertificates: Bool
  /// Whether nobody gets past the listener without one.
  var requiresCertificates: Bool

  /// The route's access, and the file of its tokens where it names one.
  func access(_ route: inout MappingReader) -> (RouteAccess, tokenFile: String?) {
    let anyone = RouteAccess(takesAnyone: true, takesCertificates: asksCertificates, tokens: nil)
    guard let entry = route.optionalEntry("access") else {
      if !isLoopback && !requiresCertificates {
        route.reading.note(
          "\(route.name) has no `access`, and `listen` lets the whole network in",
          hint: "write `access: anyone` if that is meant, or `access: {tokens: FILE}`", at: route.place)
      }
      return (anyone, nil)
    }
    guard entry.isMapping else {
      let word: ValueParser<Void> = ValueParser(
        expected: "`anyone`, or `{tokens: FILE}`, or `{certificates: true}`"
      ) { text, _ throws(ValueFault) in
        if text != "anyone" {
          throw ValueFault(
            message: "`\(text)` is not `anyone`",
            hint: "write `anyone`, or `{tokens: FILE}`, or `{certificates: true}`")
        }
      }
      _ = route.value(of: entry, as: word)
      return (anyone, nil)
    }
    guard var section = route.section(entry) else { return (anyone, nil) }
    defer { section.finish() }
    return named(&section)
  }

  private func named(_ section: inout MappingReader) -> (RouteAccess, tokenFile: String?) {
    let namesTokens = section.has("tokens")
    let tokens = section.optional("tokens", as: .tokenFile)
    let certificates = section.optional("certificates", as: .flag)
    if let certificates, certificates.value, !asksCertificates {
      section.reading.note(
        "`certificates: true` without `client-ca`: the listener asks no client for one",
        hint: "add `client-ca: FILE` to `tls`, or remove `certificates`", at: certificates.place)
    }
    if !namesTokens, certificates?.value != true, !section.has("certificates") || certificates != nil {
      section.reading.note(
        "`access` lets nobody in", hint: "write `tokens: FILE`, or `certificates: true`, or `access: anyone`",
        at: section.place)
    }
    let access = RouteAccess(
      takesAnyone: false, takesCertificates: certificates?.value ?? false, tokens: tokens?.value.tokens)
    return (access, tokens?.value.path)
  }
}

/// A token file that was named.
struct NamedTokenFile {
  var path: String
  /// `nil` where files are not looked at, or where it had faults, which have been noted.
  var tokens: TokenFile?
}

extension ValueParser where Value == NamedTokenFile {
  /// A file of tokens, read at once. Its own faults are noted in its own name.
  static var tokenFile: ValueParser {
    ValueParser(expected: "a path") { text, reading throws(ValueFault) in
      let path = try reading.absolute(checking: text)
      guard reading.checksFiles else { return NamedTokenFile(path: path, tokens: nil) }
      if let fault = FilePlace.faultOfFile(path) { throw fault }
      do throws(ConfigurationFaults) {
        return NamedTokenFile(path: path, tokens: try TokenFile(path: path))
      } catch {
        error.faults.forEach(reading.note)
        return NamedTokenFile(path: path, tokens: nil)
      }
    }
  }
}
