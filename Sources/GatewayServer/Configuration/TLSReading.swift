import ConfigurationReading

/// Reads `tls`. What the rest of the file depends on is known even where some of it was no good.
struct TLSReading {
  /// `nil` where something was missing or no good, which has been noted.
  var settings: Configuration.TLS?
  /// What is asked of all clients, whatever host name they ask for; known from the keys alone, so that a mistyped file's
  /// name does not look like a listener that asks for nothing.
  var clientCertificate: Configuration.ClientCertificate
  /// Whether some clients at least are asked for a certificate.
  var asksSome: Bool
  /// The files that could be found.
  var files: [StorePlaces.Neighbour]

  /// `nil` where there is no such section, which has been noted.
  init?(_ top: inout MappingReader) {
    guard var section = top.requiredSection("tls", example: "{certificate: server.pem, private-key: server.key}") else {
      return nil
    }
    let first = Identity(&section)
    let profile: Setting<Configuration.Profile>? = section.optional("profile", as: .word)
    let records: Setting<Configuration.Records>? = section.optional("records", as: .word)
    let ticketKeys = section.optionalPath("ticket-keys", as: .readableFile)
    let isShared = section.has("ticket-keys")
    let days: ClosedRange<Duration> = .zero ... .seconds(365 * 86_400)
    let warnBefore = section.optional("warn-before", as: .duration(in: days))
    let unknown = section.optional("unknown", as: ValueParser<Bool>.word([("refuse", true), ("first", false)]))
    let hasNames = section.has("names")
    let names = Self.names(&section, first)
    section.finish()
    if let unknown, !hasNames {
      section.reading.note(
        "`unknown` without `names`: every client is served with the same certificate",
        hint: "add `names`, or remove `unknown`", at: unknown.place)
    }
    let demands = [first.clientCertificate] + names.map(\.identity.clientCertificate)
    asksSome = demands.contains { $0 != .unasked }
    clientCertificate =
      demands.allSatisfy { $0 == .required } ? .required : demands.contains(.unasked) ? .unasked : .optional
    files =
      first.files(of: "the server")
      + names.flatMap { $0.identity.files(of: "`\($0.name)`") }
      + (ticketKeys.map { [StorePlaces.Neighbour(name: "the file of `ticket-keys`", path: $0)] } ?? [])
    let named = names.compactMap { name, identity in
      identity.whole.map {
        Configuration.NamedCertificate(
          name: name, certificate: $0.certificate, privateKey: $0.key, clientCA: identity.authority,
          clientCertificate: identity.clientCertificate, clientRevocation: identity.revocation, staple: identity.staple)
      }
    }
    guard let own = first.whole, named.count == names.count, !isShared || ticketKeys != nil else { return }
    settings = Configuration.TLS(
      certificate: own.certificate, privateKey: own.key, profile: profile?.value ?? .intermediate,
      clientCA: first.authority, clientCertificate: first.clientCertificate, clientRevocation: first.revocation,
      records: records?.value ?? .direct,
      staple: first.staple, names: named, refusesUnknown: hasNames && unknown?.value ?? true, ticketKeys: ticketKeys,
      warnBefore: warnBefore?.value ?? .seconds(30 * 86_400))
  }

  /// A certificate, and what is asked of clients that get it.
  private struct Identity {
    var certificate: String?
    var key: String?
    var authority: String?
    var clientCertificate: Configuration.ClientCertificate
    var staple: String?
    var revocation: Configuration.ClientRevocation?
    private var isWhole: Bool

    /// - Parameter inherited: what is asked of clients where the section does not say.
    init(_ section: inout MappingReader, inheriting inherited: Identity? = nil) {
      certificate = section.requiredPath("certificate", as: .readableFile)
      key = section.requiredPath("private-key", as: .readableFile)
      let hasStaple = section.has("ocsp")
      staple = section.optionalPath("ocsp", as: .readableFile)
      let namesAuthority = section.has("client-ca")
      authority = section.optionalPath("client-ca", as: .readableFile)
      let demand = section.optional(
        "client-certificate",
        as: .word([("required", Configuration.ClientCertificate.required), ("optional", .optional)]))
      let hasAuthority = namesAuthority || inherited?.clientCertificate ?? .unasked != .unasked
      if let demand, !hasAuthority {
        section.reading.note(
          "`client-certificate` without `client-ca`: no certificate could be verified",
          hint: "add `client-ca: FILE`, or remove `client-certificate`", at: demand.place)
      }
      clientCertificate =
        hasAuthority
        ? demand?.value ?? (namesAuthority ? .required : inherited?.clientCertificate ?? .required) : .unasked
      let namesRevocation = section.has("client-crl")
      revocation = RevocationReading.read(&section, namesAuthority: hasAuthority)
      isWhole =
        (!namesAuthority || authority != nil) && (!hasStaple || staple != nil)
        && (!namesRevocation || revocation != nil)
      if !namesAuthority {
        authority = inherited?.authority
        // Lists are of authorities: those of other ones say nothing here.
        if !namesRevocation { revocation = inherited?.revocation }
      }
    }

    /// `nil` where something was missing or no good.
    var whole: (certificate: String, key: String)? {
      guard isWhole, let certificate, let key else { return nil }
      return (certificate, key)
    }

    func files(of owner: String) -> [StorePlaces.Neighbour] {
      [
        ("\(owner)'s certificate", certificate), ("\(owner)'s private key", key), ("the `client-ca` file", authority),
        ("the `client-crl` file", revocation?.file), ("\(owner)'s OCSP response", staple),
      ].compactMap { name, path in path.map { StorePlaces.Neighbour(name: name, path: $0) } }
    }
  }

  private static func names(_ section: inout MappingReader, _ first: Identity) -> [(name: String, identity: Identity)] {
    var names = section.section("names")
    let entries = names.allEntries()
    var seen: [String: Place] = [:]
    return entries.compactMap { entry in
      let name = entry.key.lowercased()
      if !HostNamePattern.isValid(name) {
        names.reading.note(
          "`\(entry.key)` is no host name",
          hint: "write one, as `uploads.example`, or `\"*.example\"` in quotes for all below it",
          at: entry.place)
      }
      if let other = seen[name] {
        names.reading.note(
          "`\(entry.key)` has a certificate already, in line \(other.line)", hint: "keep one of them", at: entry.place)
      }
      seen[name] = entry.place
      guard var reader = names.section(entry) else { return nil }
      defer { reader.finish() }
      return (name: name, identity: Identity(&reader, inheriting: first))
    }
  }
}

/// A host name that certificates are chosen by.
enum HostNamePattern {
  /// A name of ASCII labels (RFC 1123, section 2.1; others as IDNA writes them), or one with `*` for its first label.
  static func isValid(_ name: String) -> Bool {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let rest = labels.first == "*" ? labels.dropFirst() : labels[...]
    guard name.utf8.count <= 253, !rest.isEmpty else { return false }
    return rest.allSatisfy { label in
      (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
  }
}
