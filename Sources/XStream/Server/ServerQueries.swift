// What the machine's owner may want to know between events.
extension ServerExchange {
  /// Whether bytes of an upload are expected.
  public var isReceiving: Bool {
    if case .receiving = state { true } else { false }
  }

  /// Whether the core has yet to decide on a small upload.
  public var isDecidingPayload: Bool {
    if case .deciding(.payload, _) = state { true } else { false }
  }

  /// Whether the core has yet to decide on a resume.
  public var isDecidingResume: Bool {
    if case .deciding(.resume, _) = state { true } else { false }
  }

  /// Whether the upload whose bytes come, or have just come, was opened without a total.
  public var isOfUnknownLength: Bool {
    switch state {
    case .receiving(let transfer), .completing(let transfer, _): transfer.isUnlimited
    case .idle, .deciding, .discarding, .draining, .closed: false
    }
  }
}
