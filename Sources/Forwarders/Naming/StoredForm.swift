internal import GatewayCore

/// How the file of one upload is made and called: decided at its offer, and kept in the ledger as
/// ``/GatewayCore/UploadRecord/storeState``. Whoever goes on with the upload, finishes it or looks for its file goes by that,
/// whatever the configuration says by then; and nobody by the file's bytes, which are its client's.
struct StoredForm: Hashable, Sendable {
  /// Gzip's members, or the upload's own bytes.
  var isCompressed: Bool
  /// A file of JSON is beside the complete one.
  var hasSidecar: Bool
  var place: FinalPlace
  /// Whether the ledger has it. An older release recorded none, and the configuration of now has to do.
  var isRecorded = true
}

extension StoredForm {
  /// How an upload is kept that stays unfinished.
  static func ofPart(_ key: UploadKey, isCompressed: Bool) -> StoredForm {
    StoredForm(isCompressed: isCompressed, hasSidecar: false, place: keyPlace(key, isCompressed: isCompressed))
  }

  /// What the name of a complete file ends with beside what its template makes.
  static func suffix(isCompressed: Bool) -> String { isCompressed ? ".gz" : "" }

  private static let plain = "plain"
  private static let compressed = "gzip"
  private static let withSidecar = "+sidecar"

  private static func keyPlace(_ key: UploadKey, isCompressed: Bool) -> FinalPlace {
    FinalPlace(folders: [], name: key.text + suffix(isCompressed: isCompressed))
  }

  /// `plain` or `gzip`, then `+sidecar`, then a colon and the path of a file that is not called by its key alone.
  func text(of key: UploadKey) -> String {
    (isCompressed ? Self.compressed : Self.plain) + (hasSidecar ? Self.withSidecar : "")
      + (place == Self.keyPlace(key, isCompressed: isCompressed) ? "" : ":" + place.path)
  }

  /// `nil` where this release does not know what it says.
  init?(_ text: String, of key: UploadKey) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var form = parts[0]
    hasSidecar = form.hasSuffix(Self.withSidecar)
    if hasSidecar { form.removeLast(Self.withSidecar.count) }
    switch form {
    case Self.plain: isCompressed = false
    case Self.compressed: isCompressed = true
    default: return nil
    }
    guard parts.count == 2 else {
      place = Self.keyPlace(key, isCompressed: isCompressed)
      return
    }
    let names = parts[1].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let name = names.last, names.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("\0") }) else {
      return nil
    }
    place = FinalPlace(folders: names.dropLast(), name: name)
  }
}
