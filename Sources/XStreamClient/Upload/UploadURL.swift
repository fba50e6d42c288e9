public import HTTPUpload
public import XStream

/// Where an upload goes: `xstream://host/route`, or any `https://` URL.
public enum UploadURL: Hashable, Sendable, CustomStringConvertible {
  /// An x-stream server.
  case stream(XStreamURL)
  /// An HTTPS server, which may speak x-stream as well.
  case https(HTTPSURL)

  /// Reads a URL.
  ///
  /// - Throws: ``UploadURLError`` that says what is wrong.
  public init(_ text: String) throws(UploadURLError) {
    let scheme = text.prefix { $0 != ":" }.lowercased()
    do {
      self = scheme == "https" ? .https(try HTTPSURL(text)) : .stream(try XStreamURL(text))
    } catch let error as HTTPSURLError {
      throw UploadURLError(description: error.description)
    } catch let error as XStreamURLError where scheme == "xstream" {
      throw UploadURLError(description: error.description)
    } catch {
      throw UploadURLError(
        description: "\"\(text)\" is no URL to upload to: it has to begin with xstream:// or https://")
    }
  }

  /// The URL as x-stream has it; nil where a route cannot be written so.
  public var stream: XStreamURL? {
    switch self {
    case .stream(let url): url
    case .https(let url): url.stream
    }
  }

  /// As text.
  public var description: String {
    switch self {
    case .stream(let url): url.description
    case .https(let url): url.description
    }
  }
}

/// Why a text is no ``UploadURL``.
public struct UploadURLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person.
  public let description: String
}

extension HTTPSURL {
  /// The same route in x-stream's words. Routes are compared as they stand there, so what has to be decoded is none.
  var stream: XStreamURL? {
    guard !target.contains(where: { "%?".contains($0) }) else { return nil }
    let route = target.count > 1 && target.hasSuffix("/") ? String(target.dropLast()) : target
    let place = host.contains(":") ? "[\(host)]" : host
    return try? XStreamURL("xstream://\(place):\(port)\(route)")
  }
}
