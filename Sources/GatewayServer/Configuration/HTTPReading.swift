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

  /// The origins of foreign pages that may use the route.
  static func origins(_ route: inout MappingReader) -> [String] {
    var section = route.section("http")
    defer { section.finish() }
    var cors = section.section("cors")
    defer { cors.finish() }
    return cors.optionalList("origins", as: .httpsOrigin)?.value.map(\.value) ?? []
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
