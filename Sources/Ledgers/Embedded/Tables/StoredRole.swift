import GatewayCore

// How the ledger writes what an upload is for. No key has a space in it.
extension UploadRole {
  private static let part = "part"
  private static let final = "final"

  /// `nil` for what stands for itself, as most uploads do.
  var stored: String? {
    switch self {
    case .whole: nil
    case .part: Self.part
    case .final(let parts): ([Self.final] + parts.map(\.text)).joined(separator: " ")
    }
  }

  /// `nil` where the text says nothing that this release knows.
  init?(stored text: String?) {
    guard let text else {
      self = .whole
      return
    }
    if text == Self.part {
      self = .part
    } else {
      let words = text.split(separator: " ", omittingEmptySubsequences: false)
      let parts = words.dropFirst().compactMap { UploadKey(String($0)) }
      guard words.first == Self.final[...], !parts.isEmpty, parts.count == words.count - 1 else { return nil }
      self = .final(of: parts)
    }
  }
}
