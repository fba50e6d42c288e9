import HTTPUpload
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension ServerAnswer.Problem {
  private struct Text: Decodable {
    var type: String?
    var title: String?
    var detail: String?
  }

  /// The longest text of another kind that is shown as the server's words, in bytes.
  private static let longest = 200

  /// What the body of a refusal says: as a problem (RFC 9457), or as a short plain text, such as tusd's.
  init?(_ headers: HTTPHeaders, _ body: ByteBuffer, status: Int) {
    guard status >= 400, body.readableBytes > 0, let type = headers.first(name: "Content-Type") else { return nil }
    let bytes = body.readableBytesView
    if type.lowercased().contains("json") {
      guard let text = try? JSONDecoder().decode(Text.self, from: Data(bytes)) else { return nil }
      self.init(type: text.type, title: text.title, detail: text.detail)
    } else if type.lowercased().hasPrefix("text/plain"), bytes.count <= Self.longest,
      let text = String(validating: bytes, as: UTF8.self)
    {
      self.init(detail: text.split(whereSeparator: \.isNewline).first.map { String($0) })
    } else {
      return nil
    }
  }

  /// In one line.
  var text: String? {
    switch (title, detail) {
    case (.some(let title), .some(let detail)): "\(title): \(detail)"
    case (.some(let text), nil), (nil, .some(let text)): text
    case (nil, nil): nil
    }
  }
}
