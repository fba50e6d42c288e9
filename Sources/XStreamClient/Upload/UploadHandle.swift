public import HTTPUpload
public import XStream

/// What names an upload at its server: a stream's key, or over HTTP the URL that the server gave it. A secret: whoever has it
/// may be able to go on with the upload.
public struct UploadHandle: Hashable, Sendable, CustomStringConvertible {
  /// The key or the URL.
  public let text: String

  /// A stream's key.
  public init(_ key: StreamKey) { text = key.text }

  /// An upload's URL.
  public init(_ url: HTTPSURL) { text = url.description }

  /// Reads a handle; nil where the text is neither a key nor a URL.
  public init?(_ text: String) {
    if let key = StreamKey(text) {
      self.init(key)
    } else if let url = try? HTTPSURL(text) {
      self.init(url)
    } else {
      return nil
    }
  }

  /// The stream's key, if it is one.
  public var stream: StreamKey? { StreamKey(text) }

  /// The URL, if it is one.
  public var url: HTTPSURL? { try? HTTPSURL(text) }

  /// The key or the URL.
  public var description: String { text }
}

/// An upload over HTTP that an earlier run began.
public struct HTTPPlace: Hashable, Sendable {
  /// Its own URL.
  public let url: HTTPSURL
  /// The way of uploading that it began in, as ``UploadOffer/dialect`` has it.
  public let dialect: String

  /// A place that was kept.
  public init(url: HTTPSURL, dialect: String) {
    self.url = url
    self.dialect = dialect
  }
}
