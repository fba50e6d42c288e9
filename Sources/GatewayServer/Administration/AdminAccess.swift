import GatewayCore
import HTTPUpload
import NIOHTTP1

/// Who may ask a gateway's admin listener.
struct AdminAccess: Sendable {
  /// What is known of tokens now; `nil` where none is asked for.
  let tokens: (@Sendable () -> (any TokenDirectory)?)?
  /// Whether only this machine can reach the listener, by TCP: then a page of anybody's that is open in a browser here can
  /// reach it too, under a name of its own (DNS rebinding).
  let isLoopback: Bool

  enum Verdict: Equatable {
    case allowed
    case unknown
    case foreignHost
  }

  func judge(_ request: AdminRequest, at now: WallTime) -> Verdict {
    if isLoopback, !Self.isOwn(host: request.fields.first(name: "host") ?? "localhost") { return .foreignHost }
    guard let tokens else { return .allowed }
    guard let shown = Self.token(request), let holder = tokens()?.holder(of: shown), holder.routes == nil,
      holder.expiresAt.map({ now < $0 }) ?? true
    else { return .unknown }
    return .allowed
  }

  /// Of a bearer, or a browser's password.
  private static func token(_ request: AdminRequest) -> String? {
    guard let field = request.fields.first(name: "authorization") else { return nil }
    let words = field.split(separator: " ", maxSplits: 1)
    guard words.count == 2 else { return nil }
    switch words[0].lowercased() {
    case "bearer": return String(words[1])
    case "basic":
      guard let bytes = Base64.decode(words[1], .lenient) else { return nil }
      let text = String(decoding: bytes, as: UTF8.self)
      return text.firstIndex(of: ":").map { String(text[text.index(after: $0)...]) }
    default: return nil
    }
  }

  /// An address, or `localhost`: no name that somebody else may give to this machine.
  static func isOwn(host: String) -> Bool {
    if host.hasPrefix("[") { return true }
    let name = host.split(separator: ":", omittingEmptySubsequences: false).first ?? ""
    return name.lowercased() == "localhost" || !name.isEmpty && name.allSatisfy { $0.isNumber || $0 == "." }
  }
}
