import ConfigurationReading

/// Reads `listen`: an address, or a list of them, each by itself or with who may speak for clients there.
enum ListenReading {
  /// Where a gateway listens that is not told.
  static let otherwise = Listener(.address(ListenAddress(host: "127.0.0.1", port: 8443)))

  /// In the order of the file; `nil` where something was no good, which has been noted.
  static func read(_ top: inout MappingReader) -> [Setting<Listener>]? {
    guard let entry = top.optionalEntry("listen") else {
      return [Setting(value: otherwise, place: top.place)]
    }
    let items = entry.items
    let listeners = items.compactMap { listener($0, top) }
    if items.isEmpty {
      top.reading.note("`listen` is empty", hint: "write `listen: \(otherwise)`", at: entry.place)
    }
    for (index, listener) in listeners.enumerated() {
      guard let first = listeners[..<index].first(where: { $0.value.place == listener.value.place }) else { continue }
      // Port 0 is another port each time.
      if case .address(let address) = listener.value.place, address.port == 0 { continue }
      top.reading.note(
        "`listen` has `\(listener.value)` twice, first in line \(first.place.line)", hint: "keep one of them",
        at: listener.place)
    }
    return listeners.count == items.count && !items.isEmpty ? listeners : nil
  }

  private static func listener(_ item: MappingReader.Entry, _ top: MappingReader) -> Setting<Listener>? {
    guard item.isMapping else {
      return top.value(of: item, as: .listenPlace).map { Setting(value: Listener($0.value), place: $0.place) }
    }
    guard var section = top.section(item) else { return nil }
    defer { section.finish() }
    let place = section.required("address", as: .listenPlace)
    let proxies = section.optionalList("proxy-from", as: .addressRange)
    if let proxies, proxies.value.isEmpty {
      section.reading.note(
        "`proxy-from` is empty", hint: "write the proxies' addresses, as `[10.0.0.0/8]`, or remove it",
        at: proxies.place)
    }
    guard let place, !section.has("proxy-from") || proxies != nil else { return nil }
    return Setting(
      value: Listener(place.value, proxies: proxies?.value.map(\.value) ?? []), place: place.place)
  }
}

extension ValueParser where Value == Listener.Place {
  /// `HOST:PORT`, `unix:PATH`, `systemd` or `systemd:NAME`.
  static var listenPlace: ValueParser {
    ValueParser(expected: "`HOST:PORT`, as `127.0.0.1:8443`") { text, reading throws(ValueFault) in
      if text == "systemd" { return .systemd(nil) }
      if text.hasPrefix("systemd:") {
        let name = String(text.dropFirst("systemd:".count))
        guard !name.isEmpty, !name.contains(":") else {
          throw ValueFault(
            message: "`\(text)` names no socket",
            hint: "write `systemd`, or `systemd:NAME` with its `FileDescriptorName=`")
        }
        return .systemd(name)
      }
      if text.hasPrefix("unix:") {
        let path = try reading.absolute(checking: String(text.dropFirst("unix:".count)))
        // sun_path has room for so many, and a NUL.
        guard path.utf8.count <= 107 else {
          throw ValueFault(
            message: "`\(path)` is too long for a unix socket", hint: "write a path of 107 bytes at most")
        }
        return .unix(path)
      }
      return .address(try ListenAddress.parse(text))
    }
  }
}
