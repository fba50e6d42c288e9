import ConfigurationReading
import GatewayCore

/// Reads the ways that a route's `access` names.
struct AccessReading {
  let asksCertificates: Bool
  let files: TokenFiles
  private(set) var ways: [AccessWay] = []
  /// The file of the route's tokens: one for all of its ways.
  private(set) var file: Setting<String>?

  init(asksCertificates: Bool, files: TokenFiles) {
    self.asksCertificates = asksCertificates
    self.files = files
  }

  /// The way under a key, where there is one that lets somebody in.
  mutating func way(
    _ section: inout MappingReader, _ key: String, _ read: (inout AccessReading, inout MappingReader) -> AccessWay
  ) {
    let way = read(&self, &section)
    if way != AccessWay() { ways.append(way) }
  }

  /// `all`: a token and a certificate, or a list of several such.
  mutating func both(_ section: inout MappingReader) {
    guard let entry = section.optionalEntry("all") else { return }
    for item in entry.items {
      guard var both = section.section(item) else { continue }
      let names = ["tokens", "certificates"].map { both.has($0) }
      let way = AccessWay(tokens: tokens(&both), certificates: certificates(&both))
      both.finish()
      if names != [true, true] {
        both.reading.note(
          "`all` asks for \(names == [false, false] ? "nothing" : "one thing alone")",
          hint: "write both `tokens` and `certificates` below `all`, or the one beside it", at: both.place)
      } else if way.tokens != nil, way.certificates != nil {
        ways.append(way)
      }
    }
  }

  // MARK: Tokens

  /// `nil` where there are none, or where something was wrong, which has been noted.
  mutating func tokens(_ section: inout MappingReader) -> TokenTerms? {
    guard let entry = section.optionalEntry("tokens") else { return nil }
    guard entry.isMapping else {
      // `true` is for whoever has named the file once, for all routes.
      let parser = files.parser
      let path: ValueParser<String?> = ValueParser(expected: parser.expected) { text, reading throws(ValueFault) in
        text == "true" ? nil : try parser.parse(text, reading)
      }
      guard let named = section.value(of: entry, as: path) else { return nil }
      guard let path = named.value else { return useCommon(at: named.place, section.reading) ? .any : nil }
      return use(Setting(value: path, place: named.place), section.reading) ? .any : nil
    }
    guard var terms = section.section(entry) else { return nil }
    defer { terms.finish() }
    let hasFile = terms.has("file")
    let isKnown =
      hasFile ? use(terms.optional("file", as: files.parser), terms.reading) : useCommon(at: terms.place, terms.reading)
    let isNamed = ["names", "groups"].map { terms.has($0) }.contains(true)
    let (names, groups) = (words(&terms, "names"), words(&terms, "groups"))
    guard isKnown, let names, let groups else { return nil }
    guard !isNamed || !names.isEmpty || !groups.isEmpty else {
      terms.reading.note(
        "`tokens` lets nobody in", hint: "name somebody, or remove `names` and `groups`", at: terms.place)
      return nil
    }
    return TokenTerms(names: names, groups: groups)
  }

  /// `nil` where something was wrong.
  private func words(_ terms: inout MappingReader, _ key: String) -> Set<String>? {
    let isThere = terms.has(key)
    let word: ValueParser<String> = ValueParser(expected: "a name, or a list of names") { text, _ throws(ValueFault) in
      guard TokenLine.isName(text) else {
        throw ValueFault(message: "`\(text)` cannot be a name", hint: TokenLine.nameHint)
      }
      return text
    }
    guard isThere else { return [] }
    guard let list = terms.optionalList(key, as: word) else { return nil }
    for word in list.value {
      if let file { files.note(.init(key: key, value: word.value, place: word.place), of: file.value) }
    }
    return Set(list.value.map(\.value))
  }

  private mutating func use(_ path: Setting<String>?, _ reading: Reading) -> Bool {
    guard let path else { return false }
    if let file, file.value != path.value {
      reading.note(
        "a second file of tokens on one route (the first in line \(file.place.line))",
        hint: "keep all tokens of a route in one file; `names` and `groups` tell them apart", at: path.place)
      return false
    }
    file = file ?? path
    return true
  }

  private mutating func useCommon(at place: Place, _ reading: Reading) -> Bool {
    guard let common = files.common else {
      reading.note(
        "`tokens` names no file", hint: "write `tokens: FILE` at the file's top level, or `tokens: {file: FILE}` here",
        at: place)
      return false
    }
    return use(Setting(value: common, place: place), reading)
  }

  // MARK: Certificates

  /// `nil` where there are none, or where something was wrong, which has been noted.
  mutating func certificates(_ section: inout MappingReader) -> CertificateTerms? {
    guard let entry = section.optionalEntry("certificates") else { return nil }
    let terms: CertificateTerms?
    var (said, place) = ("`certificates`", entry.place)
    if entry.isMapping {
      terms = section.section(entry).flatMap { reader in
        var reader = reader
        return CertificateTermsReading.read(&reader)
      }
    } else {
      guard let flag = section.value(of: entry, as: .flag), flag.value else { return nil }
      (said, place) = ("`certificates: true`", flag.place)
      terms = .any
    }
    if !asksCertificates {
      section.reading.note(
        "\(said) without `client-ca`: the listener asks no client for one",
        hint: "add `client-ca: FILE` to `tls`, or remove `certificates`", at: place)
    }
    return terms
  }
}
