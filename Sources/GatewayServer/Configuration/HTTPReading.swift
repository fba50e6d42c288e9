import ConfigurationReading
import Fronts
import HTTPUpload

/// Reads `http:`, of the whole server and of a route.
enum HTTPReading {
  /// - Returns: `nil` where the file does not have it: then HTTP is not spoken.
  static func server(_ top: inout MappingReader) -> HTTPSettings? {
    let isOn = top.has("http")
    var section = top.section("http")
    defer { section.finish() }
    let origin = section.optional("origin", as: .httpsOrigin)?.value
    let hosts = section.optionalList("hosts", as: .httpHost)?.value.map(\.value) ?? []
    let interim =
      section.optional("interim", as: ValueParser<Bool>.word([("auto", true), ("never", false)]))?.value ?? true
    let page = section.optional("page", as: .flag)?.value ?? true
    return isOn ? HTTPSettings(origin: origin, hosts: hosts, sendsInterim: interim, hasPage: page) : nil
  }

  /// What a route says.
  ///
  /// - Parameter keepsFiles: whether there is anything of a complete upload that could be removed.
  /// - Returns: what the front goes by, and whether parts are dropped once an upload that is made of them is complete.
  static func route(
    _ route: inout MappingReader, keepsFiles: Bool
  ) -> (settings: HTTPRouteSettings, dropsParts: Setting<Bool>?) {
    var settings = HTTPRouteSettings()
    var section = route.section("http")
    defer { section.finish() }
    let dropsParts = section.optional("drop-parts", as: .flag)
    var cors = section.section("cors")
    defer { cors.finish() }
    settings.origins = cors.optionalList("origins", as: .httpsOrigin)?.value.map(\.value) ?? []
    settings.takesKeys = section.optional("keys", as: .flag)?.value ?? false
    if let removal = section.optional("remove-complete", as: .flag) {
      settings.removesComplete = removal.value
      if removal.value, !keepsFiles {
        section.reading.note(
          "`remove-complete` is for routes that store", hint: "remove it: the backend has the upload, and keeps it",
          at: removal.place)
      }
    }
    return (settings, dropsParts)
  }
}

extension ValueParser where Value == String {
  /// `https://HOST` or `https://HOST:PORT`.
  static var httpsOrigin: ValueParser {
    ValueParser(expected: "an origin, as `https://uploads.example`") { text, _ throws(ValueFault) in
      guard text.hasPrefix("https://"), let authority = Authority(text.dropFirst(8)) else {
        throw ValueFault(
          message: "`\(text)` is no origin of https",
          hint: "write `https://HOST` or `https://HOST:PORT`, without a path")
      }
      return authority.origin
    }
  }

  /// `HOST` or `HOST:PORT`.
  static var httpHost: ValueParser {
    ValueParser(expected: "a host, as `uploads.example`") { text, _ throws(ValueFault) in
      guard Authority(text) != nil else {
        throw ValueFault(message: "`\(text)` is no host", hint: "write `HOST` or `HOST:PORT`")
      }
      return text
    }
  }
}
