import NIOCore

extension Gateway {
  /// What is refused before anything is done about it: a request that brings bytes while memory is short, and one of a client
  /// that begins uploads faster than it may.
  ///
  /// - Throws: ``Refusal/busy(retryAfter:)``.
  func judgePressure(of admission: Admission, on eventLoop: any EventLoop) throws(Refusal) {
    if memory.isCrowded, admission.transfer.bringsBytes { throw .busy(retryAfter: 5) }
    guard let most = admission.route.clientLimits.begun else { return }
    let wait = admission.runtime.begun.take(
      admission.identity.neighbourhood, perSecond: most, now: Int64(clamping: eventLoop.now.uptimeNanoseconds))
    guard wait == 0 else { throw .busy(retryAfter: Int((wait + 999_999_999) / 1_000_000_000)) }
  }
}

extension ClientIdentity {
  /// Whom a rate is counted for: an anonymous client by its ``AddressBlock``, of which it may have as many addresses as it
  /// likes.
  fileprivate var neighbourhood: String {
    guard case .anonymous(let address) = self, let block = AddressBlock(address) else { return subject }
    return block.description
  }
}
