import ConfigurationReading

/// Reads `tls`. What the rest of the file depends on is known even where some of it was no good.
struct TLSReading {
  /// `nil` where something was missing or no good, which has been noted.
  var settings: Configuration.TLS?
  /// What is asked of clients; known from the keys alone, so that a mistyped file's name does not look like a listener
  /// that asks for nothing.
  var clientCertificate: Configuration.ClientCertificate
  /// The files that could be found.
  var files: [StorePlaces.Neighbour]

  /// `nil` where there is no such section, which has been noted.
  init?(_ top: inout MappingReader) {
    guard var section = top.requiredSection("tls", example: "{certificate: server.pem, private-key: server.key}") else {
      return nil
    }
    let (certificate, key) = (
      section.requiredPath("certificate", as: .readableFile), section.requiredPath("private-key", as: .readableFile)
    )
    let profile: Setting<Configuration.Profile>? = section.optional("profile", as: .word)
    let namesAuthority = section.has("client-ca")
    let authority = section.optionalPath("client-ca", as: .readableFile)
    let demand = section.optional(
      "client-certificate",
      as: .word([("required", Configuration.ClientCertificate.required), ("optional", .optional)]))
    let revocation = RevocationReading.read(&section, namesAuthority: namesAuthority)
    let namesRevocation = section.has("client-crl")
    let records: Setting<Configuration.Records>? = section.optional("records", as: .word)
    section.finish()
    if let demand, !namesAuthority {
      section.reading.note(
        "`client-certificate` without `client-ca`: no certificate could be verified",
        hint: "add `client-ca: FILE`, or remove `client-certificate`", at: demand.place)
    }
    clientCertificate = namesAuthority ? demand?.value ?? .required : .unasked
    files = [
      ("the server's certificate", certificate), ("the server's private key", key), ("the `client-ca` file", authority),
      ("the `client-crl` file", revocation?.file),
    ].compactMap { name, path in path.map { StorePlaces.Neighbour(name: name, path: $0) } }
    guard let certificate, let key, !namesAuthority || authority != nil, !namesRevocation || revocation != nil else {
      return
    }
    settings = Configuration.TLS(
      certificate: certificate, privateKey: key, profile: profile?.value ?? .intermediate, clientCA: authority,
      clientCertificate: clientCertificate, clientRevocation: revocation, records: records?.value ?? .direct)
  }
}
