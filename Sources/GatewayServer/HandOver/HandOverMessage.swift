import GatewayCore

/// What the process that ends and the one that takes over say to each other, in this order up to ``listening``.
enum HandOverMessage: Codable {
  /// The new one: it wants to take over, in this version of these messages.
  case hello(version: Int)
  /// The old one: where it listens, as its configuration names these places, with how many sockets each has. The sockets follow.
  case listeners([HandedListener])
  /// The new one: all that can be done beforehand is done, and it waits for the ledger.
  case prepared
  /// The old one: accepts nobody any more, and the ledger and the stores are the new one's. These uploads are still on their
  /// way through the old one.
  case released(stillOpen: [UploadKey])
  /// The new one: it accepts clients.
  case listening

  /// The old one, from ``released(stillOpen:)`` on: what it would ask the ledger that it had.
  case question(id: UInt64, LedgerQuestion)
  /// The new one: what the ledger says.
  case answer(id: UInt64, LedgerReply)
  /// The new one: somebody wants an upload that the old one has.
  case letGo(UploadKey)
  /// The old one: it has that one no more.
  case hasLetGo(UploadKey)

  /// Two processes whose versions differ do not understand each other, and the new one does not start.
  static let version = 1
}

/// A place where the old process listens.
struct HandedListener: Codable {
  /// ``Listener/description``.
  let place: String
  let sockets: Int
}

/// What an upload that is under way, or that has begun while another process took over, still asks of the ledger.
enum LedgerQuestion: Codable {
  case open(Reservation)
  case find(UploadKey)
  case extend(GrantExtension)
  case advance(Advance)
  case renew([LeaseRenewal])
  case complete(Completion)
  case fail(UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event])
  case release(UploadKey, epoch: Int64, events: [Event])
}

/// What it is answered.
enum LedgerReply: Codable {
  case done
  case lease(Lease)
  case record(UploadRecord?)
  case granted(Int64)
  case failed(LedgerError)
}
