import ConfigurationReading

/// Reads `client-crl` of `tls`.
enum RevocationReading {
  static func read(_ tls: inout MappingReader, namesAuthority: Bool) -> Configuration.ClientRevocation? {
    guard let entry = tls.optionalEntry("client-crl") else { return nil }
    if !namesAuthority {
      tls.reading.note(
        "`client-crl` without `client-ca`: no client is asked for a certificate",
        hint: "add `client-ca: FILE`, or remove `client-crl`", at: entry.place)
    }
    guard entry.isMapping else {
      let file = tls.value(of: entry, as: .readableFile)
      tls.reading.remember("client-crl", file)
      return file.map { Configuration.ClientRevocation(file: $0.value, coverage: .chain, acceptsExpired: false) }
    }
    guard var section = tls.section(entry) else { return nil }
    defer { section.finish() }
    let file = section.required("file", as: .readableFile)
    tls.reading.remember("client-crl", file)
    let coverage: Setting<Configuration.ClientRevocation.Coverage>? = section.optional("check", as: .word)
    let expired = section.optional("expired", as: ValueParser<Bool>.word([("refuse", false), ("accept", true)]))
    return file.map {
      Configuration.ClientRevocation(
        file: $0.value, coverage: coverage?.value ?? .chain, acceptsExpired: expired?.value ?? false)
    }
  }
}
