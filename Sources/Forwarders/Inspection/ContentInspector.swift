internal import GatewayCore

/// Sees all bytes of one upload in order, in pieces of any size. Confined to one job at a time.
protocol ContentInspector: AnyObject {
  /// The next bytes.
  ///
  /// - Throws: ``ContentFault`` with the offset of the first byte that cannot be. No call follows.
  func inspect(_ bytes: UnsafeRawBufferPointer) throws(ContentFault)

  /// There are no more.
  ///
  /// - Throws: ``ContentFault`` at the end where something is missing there.
  func finish() throws(ContentFault)
}
