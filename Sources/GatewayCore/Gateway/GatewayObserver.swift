/// Hears what becomes of requests and uploads, on the event loop where it happens. It must not block.
package protocol GatewayObserver: Sendable {
  /// A request was refused before there was an upload.
  ///
  /// - Parameter route: its path; `nil` where there is no such route.
  func refused(_ refusal: Refusal, on route: String?)

  /// An upload was offered.
  func offered(_ facts: UploadFacts, _ offer: UploadOffer)

  /// A connection's part in an upload ended.
  func ended(_ end: UploadEnd)
}

/// How a connection's part in an upload ended.
package struct UploadEnd: Sendable {
  /// What is known of the upload.
  package var facts: UploadFacts
  /// The last event that its front got.
  package var event: UploadEvent
  /// Whether the upload had been offered over this connection.
  package var wasOffered: Bool
  /// Bytes that arrived over this connection.
  package var received: Int64
}
