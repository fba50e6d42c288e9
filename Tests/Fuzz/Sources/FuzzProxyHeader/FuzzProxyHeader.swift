import FuzzDriver
import Logging
import NIOCore
import NIOEmbedded

@testable import Fronts

/// Reads the beginning of a connection by the parser, in all its prefixes, and by the handler, in slices, as a proxy that is
/// trusted and as anybody else.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProxyHeader(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard var input = FuzzInput(start, count) else { return 0 }
  let wire = input.wire
  let outcome = checkPrefixes(wire)
  checkAddresses(outcome)
  let slices = input.slices()
  for isTrusted in [true, false] { checkReader(slices, wire, outcome, isTrusted: isTrusted) }
  return 0
}

/// The longest header that is waited for: the fixed part of version 2, and what may be behind it.
private let longest = 16 + ProxyHeaderParser.longestBody

private func parse(_ bytes: some Sequence<UInt8>) -> ProxyHeaderParser.Outcome {
  // The view begins behind the first byte, so that an index that is taken for an offset shows.
  var buffer = ByteBuffer(bytes: [0])
  buffer.writeBytes(bytes)
  buffer.moveReaderIndex(forwardBy: 1)
  return ProxyHeaderParser.parse(buffer.readableBytesView)
}

/// What a prefix is found to be, that is what all of it is: nobody may be judged by how the bytes were cut.
private func checkPrefixes(_ wire: [UInt8]) -> ProxyHeaderParser.Outcome {
  let whole = parse(wire)
  let last = min(wire.count, longest + 1)
  for count in stride(from: 0, to: last, by: last > 300 ? 7 : 1) {
    let outcome = parse(wire[..<count])
    guard outcome != .incomplete else { continue }
    precondition(outcome == whole, "\(outcome) after \(count) bytes, then \(whole)")
  }
  if case .incomplete = whole { precondition(wire.count < longest, "\(wire.count) bytes are waited for more") }
  if case .header(let length, let source, let destination) = whole {
    precondition((1...wire.count).contains(length) && length <= longest, "a header of \(length) bytes")
    precondition(parse(wire[..<length]) == whole, "what is behind a header changes it")
    precondition((source == nil) == (destination == nil), "one address of two")
  }
  return whole
}

/// The same addresses come of a header that is written with what was read.
private func checkAddresses(_ outcome: ProxyHeaderParser.Outcome) {
  guard case .header(_, let source?, let destination?) = outcome, let from = source.ipAddress,
    let to = destination.ipAddress, let fromPort = source.port, let toPort = destination.port
  else { return }
  let line = "PROXY \(from.contains(":") ? "TCP6" : "TCP4") \(from) \(to) \(fromPort) \(toPort)\r\n"
  let again = parse(line.utf8)
  precondition(
    again == .header(length: line.utf8.count, source: source, destination: destination), "\(line) is \(again)")
}

/// Keeps what comes behind the header, and who is said to have sent it.
private final class Behind: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private(set) var bytes: [UInt8] = []
  private(set) var source: SocketAddress?

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    bytes += unwrapInboundIn(data).readableBytesView
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let proxied = event as? ProxiedConnection else { return }
    precondition(bytes.isEmpty && source == nil, "told too late, or twice")
    source = proxied.source
  }
}

private func checkReader(
  _ slices: [[UInt8]], _ wire: [UInt8], _ outcome: ProxyHeaderParser.Outcome, isTrusted: Bool
) {
  let (channel, behind) = (EmbeddedChannel(), Behind())
  let reader = ProxyHeaderReader(
    isTrusted: isTrusted, logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
  do {
    try channel.pipeline.syncOperations.addHandlers([reader, behind])
    channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
    for slice in slices where channel.isActive { try channel.writeInbound(ByteBuffer(bytes: slice)) }
  } catch {
    preconditionFailure("\(error)")
  }
  let isOpen = channel.isActive
  switch outcome {
  case .incomplete: precondition(isOpen && behind.bytes.isEmpty, "\(behind.bytes.count) bytes of a part")
  case .absent where !isTrusted: precondition(isOpen && behind.bytes == wire, "bytes are lost")
  case .header(let length, let source, _) where isTrusted:
    precondition(isOpen && behind.bytes == Array(wire[length...]), "not what is behind the header")
    precondition(behind.source == source, "\(behind.source.debugDescription) is not \(source.debugDescription)")
  default:
    precondition(!isOpen && behind.bytes.isEmpty && behind.source == nil, "\(outcome) is taken")
  }
  _ = try? channel.finish(acceptAlreadyClosed: true)
}
