/// Whether a store's folder is in its place.
package enum StorePresence: Hashable, Sendable {
  /// Its path names something else, or nothing: nothing is taken any more. The text is for the operator.
  case away(String)
  /// It is where it belongs, and goes on.
  case back
}
