import ConfigurationReading
import GatewayCore

extension Configuration {
  /// Where operators and their programs ask how the gateway does.
  package struct Admin: Hashable, Sendable {
    /// An address of TCP, or a socket in the file system.
    package var place: Listener.Place
    /// Whether connections are secured, by the gateway's own certificate.
    package var usesTLS = false
    /// The file of tokens of those who may ask; `nil` for whoever can reach it.
    package var tokens: String?

    /// As it is written.
    package var description: String { Listener(place).description }
  }

  /// The tokens of operators now; `nil` where there is no such file any more.
  var adminTokens: (any TokenDirectory)? {
    guard let path = admin?.tokens else { return nil }
    return tokenFiles.first { $0.path == path }?.tokens
  }
}

/// Reads `admin`.
enum AdminReading {
  private static let otherwise = Listener.Place.address(ListenAddress(host: "127.0.0.1", port: 9090))

  /// `nil` where the file does not have it: then nobody is answered.
  static func read(
    _ top: inout MappingReader, _ tokenFiles: TokenFiles, besides listeners: [Setting<Listener>]
  ) -> Configuration.Admin? {
    guard top.has("admin") else { return nil }
    var section = top.section("admin")
    defer { section.finish() }
    let hasPlace = section.has("listen")
    let listen = section.optional("listen", as: .listenPlace)
    let usesTLS = section.optional("tls", as: .flag)
    let hasTokens = section.has("tokens")
    let tokens = section.optionalPath("tokens", as: tokenFiles.parser)
    let place = listen?.value ?? otherwise
    let at = listen?.place ?? section.place
    guard !hasPlace || listen != nil else { return nil }
    let reading = section.reading
    if case .systemd = place {
      reading.note(
        "`admin.listen` cannot be a socket of systemd", hint: "write an address, or `unix:PATH`", at: at)
    }
    if let double = listeners.first(where: { $0.value.place == place }), !Self.isAnyPort(place) {
      reading.note(
        "`admin.listen` is where clients are listened to, in line \(double.place.line)", hint: "write another port",
        at: at)
    }
    if !Listener(place).isLoopback, !(usesTLS?.value ?? false) || !hasTokens {
      reading.note(
        "`admin.listen: \(Listener(place))` can be reached by others than this machine",
        hint: "write `tls: true` and `tokens: FILE` beside it, or listen on 127.0.0.1 or `unix:PATH`", at: at)
    }
    if case .unix = place, let usesTLS, usesTLS.value {
      reading.note(
        "`admin.tls` is for addresses: nobody else sees what goes over a socket in the file system",
        hint: "remove it", at: usesTLS.place)
    }
    guard !hasTokens || tokens != nil else { return nil }
    return Configuration.Admin(place: place, usesTLS: usesTLS?.value ?? false, tokens: tokens)
  }

  private static func isAnyPort(_ place: Listener.Place) -> Bool {
    if case .address(let address) = place { address.port == 0 } else { false }
  }
}
