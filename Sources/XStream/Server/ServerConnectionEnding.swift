// How a connection ends.
extension ServerExchange {
  /// What the end of the client's side leads to.
  public enum OnInputEnded: Hashable, Sendable {
    /// Go on; the answer that is under way closes the connection.
    case answerFirst
    /// A stream of unknown length is whole: finish it and call ``completed(digest:reply:)``.
    case finish
    /// Suspend the upload, keeping what arrived for a resume, and close.
    case suspend
    /// A small upload was cut short: drop it and close. Its client never learned a key.
    case drop
    /// Close; if the core still decides, what it grants has to be given back as ``OnOffered/suspend(_:)`` says.
    case close
  }

  /// No more bytes come.
  ///
  /// A clean end (`close_notify`) is reported after the last byte before it was taken, not while bytes are held;
  /// a lost connection at once.
  public mutating func inputEnded(clean: Bool) -> OnInputEnded {
    switch state {
    case .deciding(let request, _) where clean:
      state = .deciding(request, inputEnded: true)
      return .answerFirst
    case .receiving(var transfer) where clean && transfer.isUnlimited:
      transfer.inputEnded = true
      state = .completing(transfer, .complete)
      return .finish
    case .receiving(let transfer):
      state = .closed
      return transfer.isPayload ? .drop : .suspend
    case .completing(var transfer, let goal) where clean:
      let ends = transfer.isUnlimited && goal == .answerPartial && !transfer.overran && !transfer.inputEnded
      transfer.inputEnded = true
      state = .completing(transfer, ends ? .complete : goal)
      return ends ? .finish : .answerFirst
    case .completing(_, .answerPartial):
      state = .closed
      return .suspend
    // All bytes of the upload are here: it is finished although nobody hears of it.
    case .completing(_, .complete), .idle, .deciding, .discarding, .draining, .closed:
      state = .closed
      return .close
    }
  }

  /// What a shutdown leads to.
  public enum OnShutDown: Hashable, Sendable {
    /// Close in order now.
    case close
    /// The answer that is under way closes the connection. After an offer, ask again.
    case answerFirst
    /// Send the final, suspend the upload as after a lost connection, and then as it says.
    case suspend(ServerMessage, AfterPacket)
    /// Send the final, drop the small upload, and then as it says.
    case drop(ServerMessage, AfterPacket)
  }

  /// The server is going away (status 15). What has arrived whole is still finished and answered.
  public mutating func shutDown() -> OnShutDown {
    isShuttingDown = true
    switch state {
    case .deciding, .completing, .draining:
      return .answerFirst
    case .receiving(let transfer):
      state = .draining
      let reason = "the server is going away; resume with the key"
      let message = Self.message(Failure(status: .shutdown, reason: reason), transfer)
      return transfer.isPayload ? .drop(message, .drainThenClose) : .suspend(message, .drainThenClose)
    case .idle, .discarding, .closed:
      state = .closed
      return .close
    }
  }
}
