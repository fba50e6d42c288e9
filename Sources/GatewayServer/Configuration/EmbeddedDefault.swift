package import ConfigurationReading

/// The configuration of a gateway that is given none: for this machine alone, with the development certificate.
package enum EmbeddedDefault {
  /// What faults call it.
  package static let file = "(default configuration)"

  /// As a file would have it. Its values are the defaults, written out.
  package static let yaml = """
    listen: 127.0.0.1:8443
    tls:
      certificate: certs/dev/server.pem
      private-key: certs/dev/server.key
      profile: intermediate
    state: var/state
    http: {}
    routes:
      /upload-file:
        formats: [bytes, text, json]
        buffer: {min: 4 KiB, max: 1 MiB}
        limits: {upload: 100 GiB, held: 1 TiB, concurrent: 256, payload: 1 MiB}
        resume-for: 24h
        store: {directory: var/uploads}

    """

  /// Read as a file in the current folder would be.
  ///
  /// - Parameters:
  ///   - checkingFiles: as for ``Configuration/load(path:checkingFiles:)``.
  ///   - listen: another address to listen on.
  /// - Throws: all faults at once; most likely a certificate that is not there.
  package static func load(
    checkingFiles: Bool = true, listen: String? = nil
  ) throws(ConfigurationFaults) -> Configuration {
    var yaml = yaml
    if let listen {
      // In single quotes nothing but the quote itself means anything.
      let quoted = listen.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
      yaml = (["listen: '\(quoted)'"] + yaml.split(separator: "\n").dropFirst()).joined(separator: "\n") + "\n"
    }
    return try Configuration.parse(
      yaml, file: file, base: FilePlace.usable(FilePlace.current), checkingFiles: checkingFiles)
  }
}
