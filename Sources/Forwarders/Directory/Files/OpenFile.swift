/// An open file, and what to call it.
struct OpenFile {
  var descriptor: CInt
  /// What the file is called in messages, without its secret.
  var place: String
}
