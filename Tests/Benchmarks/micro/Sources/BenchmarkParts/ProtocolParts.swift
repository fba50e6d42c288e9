internal import NIOCore
internal import XStream

/// The parser, and the server's side of an exchange.
enum ProtocolParts {
  private static let open = """
    headers:
        route: /upload-file
        data-format: bytes
        x-stream: 1073741824:1048576
        x-stream-ack: 4194304
        x-stream-name: backup-2024.tar
    payload: -

    """

  static func measure(with watch: Stopwatch) throws {
    let packet = ByteBuffer(string: open)
    let repeats = 1000
    try watch.measure("parser: an open packet of 6 headers", repeats: repeats) {
      try watch.time {
        for _ in 0..<repeats {
          var (parser, bytes) = (PacketParser(), packet)
          guard try parser.parse(&bytes) != nil else { preconditionFailure("a whole packet was not read") }
        }
      }
    }
    var (parser, bytes) = (PacketParser(), packet)
    guard let head = try parser.parse(&bytes), let key = StreamKey("0123456789abcdef") else { return }
    watch.measure("server machine: a stream of 1 GiB in reads of 512 KiB, whole", repeats: 1) {
      watch.time { stream(head, key: key) }
    }
    watch.measure("writer: a progress packet", repeats: repeats) {
      watch.time {
        for offset in 0..<repeats {
          var output = ByteBuffer()
          PacketWriter.write(ServerMessage.progress(Progress(key: key, offset: Int64(offset))), into: &output)
        }
      }
    }
  }

  private static func stream(_ head: PacketHead, key: StreamKey) {
    var machine = ServerExchange()
    guard machine.bytesAvailable(1) == .parsePacket, case .admit(.open(let open)) = machine.received(head) else {
      preconditionFailure("an open packet was not admitted")
    }
    _ = machine.offered(Grant(extent: .whole, buffer: 1 << 20, key: key, format: open.format))
    var offset: Int64 = 0
    while case .forward(let count, let boundary) = machine.bytesAvailable(512 << 10) {
      offset += Int64(count)
      _ = machine.safe(upTo: offset)
      if boundary == .endOfUpload { break }
    }
    guard case .send = machine.completed() else { preconditionFailure("a complete stream was not answered") }
  }
}
