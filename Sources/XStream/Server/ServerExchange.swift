/// The server's side of one connection: its exchanges, one after another (protocol.md section 4).
///
/// Every event is a method that says what to do in its own small result. The machine does no I/O, knows no clock
/// and trusts nothing that the peer sends; it traps only where its owner breaks the order of calls written here.
///
/// The owner's loop, as long as it has bytes: ``bytesAvailable(_:)``, and then what it says. Events of the upload
/// (``safe(upTo:)``, ``completed(digest:reply:)`` and so on) are those of the connection's current upload; once a
/// packet with an ending was sent for it, its owner reports no more of it.
public struct ServerExchange: Sendable {
  /// What follows a packet.
  public enum AfterPacket: Hashable, Sendable {
    /// The next packet may come.
    case keepOpen
    /// Read and discard for a moment, so that the client can see the packet, then close.
    case drainThenClose
    /// Close in order at once: the client has ended its side.
    case close
  }

  enum State: Hashable, Sendable {
    /// Between packets.
    case idle
    /// The core has the request. The client may have ended its side meanwhile.
    case deciding(ClientRequest, inputEnded: Bool)
    /// Bytes of an upload come.
    case receiving(Transfer)
    /// All bytes that were granted are here, and the core has yet to say that they are safe.
    case completing(Transfer, Transfer.Goal)
    /// The body of a refused small upload comes, of which so many bytes are left.
    case discarding(Int64)
    /// The last packet was sent. The client gets a moment to read it, and whatever it sends is thrown away.
    case draining
    case closed
  }

  /// A refused small upload up to this size, in bytes, is read and discarded, so that the connection stays; after
  /// a larger one it closes.
  public static let largestDiscard: Int64 = 1 << 20

  var state = State.idle
  var isShuttingDown = false

  /// A connection at its first packet.
  public init() {}

  /// Whether the connection waits for a packet, with no exchange under way.
  public var isIdle: Bool { state == .idle }

  // MARK: Bytes

  /// What to do with the bytes at hand.
  public enum OnBytes: Hashable, Sendable {
    /// Keep them and read no more: a decision or an upload's end is awaited. Ask again after it.
    case hold
    /// Give them to the parser. A head goes to ``received(_:)``, an error to ``refuseInput(_:reason:)``.
    case parsePacket
    /// The first so many are the upload's.
    case forward(Int, Boundary)
    /// Take the first so many and throw them away.
    case discard(Int)
  }

  /// What the forwarded bytes end with.
  public enum Boundary: Hashable, Sendable {
    /// More of the upload follows.
    case more
    /// These are the upload's last; finish it and call ``completed(digest:reply:)``.
    case endOfUpload
    /// The partial offer is full; make what was granted safe and call ``partiallyFilled(safe:)``.
    case endOfGrant
  }

  /// Bytes have arrived, or are still there after something changed. Those of ``OnBytes/forward(_:_:)`` and
  /// ``OnBytes/discard(_:)`` count as taken.
  public mutating func bytesAvailable(_ count: Int) -> OnBytes {
    guard count > 0 else { return .hold }
    switch state {
    case .idle:
      return .parsePacket
    case .deciding:
      return .hold
    case .receiving(var transfer):
      let taken = transfer.room(for: count)
      transfer.received += Int64(taken)
      guard transfer.isFull else {
        state = .receiving(transfer)
        return .forward(taken, .more)
      }
      state = .completing(transfer, transfer.goal)
      return .forward(taken, transfer.goal == .complete ? .endOfUpload : .endOfGrant)
    case .completing(var transfer, let goal):
      // A stream of unknown length is the last of its connection, so these are its own bytes, too many.
      guard transfer.isUnlimited, goal == .answerPartial else { return .hold }
      transfer.overran = true
      state = .completing(transfer, goal)
      return .discard(count)
    case .discarding(let left):
      let taken = min(Int64(count), left)
      state = taken == left ? .idle : .discarding(left - taken)
      return .discard(Int(taken))
    case .draining, .closed:
      return .discard(count)
    }
  }

  // MARK: Packets

  /// What to do with a head.
  public enum OnRequest: Hashable, Sendable {
    /// Ask the core. It answers with ``offered(_:)``, ``payloadAccepted(key:)``, ``refused(_:)`` or
    /// ``answered(_:)``; until then ``bytesAvailable(_:)`` holds.
    case admit(ClientRequest)
    /// Send this, and then as it says.
    case reject(ServerMessage, AfterPacket)
  }

  /// The parser has a head. Only after ``OnBytes/parsePacket``.
  public mutating func received(_ head: PacketHead) -> OnRequest {
    guard state == .idle else { preconditionFailure("a head was parsed where no packet begins") }
    do throws(RequestError) {
      let request = try ClientRequest(head)
      state = .deciding(request, inputEnded: false)
      return .admit(request)
    } catch {
      state = .draining
      let refusal = RefusalMessage(status: .malformed, reason: error.reason, answersStream: head[.stream] != nil)
      return .reject(.refusal(refusal), .drainThenClose)
    }
  }

  /// What to send, if anything: nothing once the connection is over.
  public enum OnAnswer: Hashable, Sendable {
    /// Send this, and then as it says.
    case send(ServerMessage, AfterPacket)
    /// Nobody is there to read it.
    case none
  }

  /// The connection cannot go on where a packet should begin: the parser refused the bytes (status 1 and
  /// ``PacketError/reason``), or a head took too long (status 14).
  public mutating func refuseInput(_ status: Status, reason: String) -> OnAnswer {
    guard state == .idle else { return .none }
    state = .draining
    return .send(.refusal(RefusalMessage(status: status, reason: reason, answersStream: false)), .drainThenClose)
  }

  /// The exchange is over: goes on to the next packet, or not.
  mutating func endExchange(inputEnded: Bool, mustClose: Bool = false) -> AfterPacket {
    if inputEnded {
      state = .closed
      return .close
    }
    if mustClose || isShuttingDown {
      state = .draining
      return .drainThenClose
    }
    state = .idle
    return .keepOpen
  }
}
