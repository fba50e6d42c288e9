// An upload whose bytes come from its parts.
extension Upload {
  /// Has the sink copy the next bytes, or finishes with the last.
  func copyNext() {
    guard let parts, let position = machine.position else { return }
    guard let slice = parts.next(from: position) else { return finish() }
    (sink as? any CopyingSink)?.copy(slice)
  }
}
