internal import GatewayCore
internal import NIOCore
internal import XStream

/// The packet that opens an upload in x-stream, as its client could have sent it to the backend.
///
/// It is made of what the gateway knows of the upload, whatever protocol the upload came by. An upload that came as a
/// small payload is announced like every other: the gateway does not keep in how many packets the bytes came.
enum OpenPacket {
  /// The headers of an open in their order, but for `authorization`: the bearer token is between client and gateway. The
  /// gateway's key of the upload comes last.
  ///
  /// - Throws: ``/XStream/RequestError`` where no x-stream packet can say what the upload is.
  static func bytes(for upload: SinkUpload) throws -> ByteBuffer {
    let facts = upload.facts
    guard let format = StreamFormat(facts.format.rawValue) else {
      throw RequestError.invalid(.dataFormat, expected: "a format that x-stream has")
    }
    let open = OpenRequest(
      context: XStream.RequestContext(
        route: facts.route, traceparent: upload.transfer.traceparent.flatMap { TraceParent($0) }),
      format: format, total: facts.total.map { .known($0) } ?? .unlimited,
      // A client that sends nothing has no portion in mind, and x-stream has no portion of nothing.
      buffer: max(upload.transfer.buffer, 1), acknowledgeEvery: upload.transfer.acknowledgeEvery,
      digest: facts.digest.flatMap { StreamDigest(bytes: $0.bytes) },
      name: facts.label.flatMap { StreamName(label: $0) })
    var head = try ClientRequest.open(open).head()
    head.append(.streamKey, facts.key.text)
    var packet = ByteBuffer()
    PacketWriter.write(head, into: &packet)
    return packet
  }
}
