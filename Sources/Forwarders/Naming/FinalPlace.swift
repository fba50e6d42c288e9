/// Where a complete upload's file goes, below the store's directory.
struct FinalPlace: Hashable, Sendable {
  /// None of them is empty or begins with a dot.
  var folders: [String]
  var name: String

  /// What is known of the upload, beside it.
  var sidecar: String { name + ".json" }
  var path: String { (folders + [name]).joined(separator: "/") }
}
