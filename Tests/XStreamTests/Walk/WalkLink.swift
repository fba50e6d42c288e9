import NIOCore

@testable import XStream

/// One connection of a walk: a machine at each end, and bytes on their way between them.
final class WalkLink {
  enum End { case clean, lost }

  var client = ClientExchange()
  var server = ServerExchange()
  var clientParser = PacketParser()
  var serverParser = PacketParser()
  /// Bytes on their way, and how they end.
  var up = ByteBuffer()
  var upEnd: End?
  var down = ByteBuffer()
  var downEnds = false
  /// Bytes that have arrived and are not taken yet.
  var serverInput = ByteBuffer()
  var clientInput = ByteBuffer()
  /// What the core has to decide.
  var pending: ClientRequest?
  /// The stream whose bytes come here, and what its end is to be.
  var stream: WalkStream?
  var goal: Transfer.Goal?
  /// The next byte that the client sends, and how many its upload has. A connection that the client has left may still
  /// hear of an earlier upload.
  var position = 0
  var length = 0
  /// Whether the server reads no more than to discard.
  var serverIsClosing = false
  var serverIsClosed = false

  func clientWrites(_ head: PacketHead) {
    PacketWriter.write(head, into: &up)
  }

  func serverWrites(_ message: ServerMessage, _ after: ServerExchange.AfterPacket) {
    PacketWriter.write(message, into: &down)
    switch after {
    case .keepOpen: break
    case .drainThenClose: serverIsClosing = true
    case .close: closeServer()
    }
  }

  func serverWrites(_ answer: ServerExchange.OnAnswer) {
    if case .send(let message, let after) = answer { serverWrites(message, after) }
  }

  func closeServer() {
    serverIsClosed = true
    downEnds = true
  }
}

/// One stream as the core of a walk knows it.
final class WalkStream {
  let key: StreamKey
  let total: Total
  var stored: [UInt8] = []
  var safe = 0
  var isComplete = false
  weak var link: WalkLink?

  init(key: StreamKey, total: Total) {
    self.key = key
    self.total = total
  }

  /// The content of every stream of a walk.
  static func byte(at offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 7)
  }
}
