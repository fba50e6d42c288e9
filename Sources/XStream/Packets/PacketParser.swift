public import NIOCore

/// Reads heads out of a connection's bytes, one byte once, however they are cut (protocol.md section 2).
///
/// It takes the bytes of a head as they come and never one of the body. What cannot become a head is refused at
/// the first byte that shows it, so a peer is not waited for longer than needed. After an error the parser
/// repeats it: where the next packet would begin is not known any more.
public struct PacketParser: Sendable {
  private enum State {
    case opening(matched: Int)
    case openingEnd(afterReturn: Bool)
    case lineStart
    case indent(spaces: Int)
    case name
    case beforeValue(spaces: Int)
    case value
    case valueReturn
    case closing(matched: Int)
    case payloadSpace(spaces: Int)
    case payloadNone
    case payloadSize(Int64)
    case payloadReturn(PacketHead.Payload)
    case failed(PacketError)
  }

  private static let opening = Array("headers:".utf8)
  private static let closing = Array("payload:".utf8)
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")
  private static let space = UInt8(ascii: " ")

  private var state = State.opening(matched: 0)
  private var taken = 0
  private var line = 1
  private var name = HeaderName.route
  private var text: [UInt8] = []
  private var head = PacketHead()

  /// A parser at the start of a packet.
  public init() {}

  /// Whether no byte of a packet has been taken yet: the place where a connection may end.
  public var isBetweenPackets: Bool { taken == 0 }

  /// Takes the bytes of a head from the buffer.
  ///
  /// - Returns: the head once it is whole, the buffer then begins with the body or the next packet; nil if all
  ///   of the buffer was taken and the head is not over.
  /// - Throws: ``PacketError`` as soon as the bytes cannot become a head.
  public mutating func parse(_ buffer: inout ByteBuffer) throws(PacketError) -> PacketHead? {
    if case .failed(let error) = state { throw error }
    var used = 0
    defer { buffer.moveReaderIndex(forwardBy: used) }
    do throws(PacketError) {
      for byte in buffer.readableBytesView {
        used += 1
        taken += 1
        if let head = try take(byte) {
          self = PacketParser()
          return head
        }
        if taken >= PacketHead.maximumBytes { throw .headTooLong }
      }
      return nil
    } catch {
      state = .failed(error)
      throw error
    }
  }

  private mutating func take(_ byte: UInt8) throws(PacketError) -> PacketHead? {
    switch state {
    case .opening(let matched):
      guard byte == Self.opening[matched] else { throw .notAPacket }
      let next = matched + 1
      state = next == Self.opening.count ? .openingEnd(afterReturn: false) : .opening(matched: next)
    case .openingEnd(let afterReturn):
      if byte == Self.lineFeed {
        startLine()
      } else if byte == Self.carriageReturn, !afterReturn {
        state = .openingEnd(afterReturn: true)
      } else {
        throw .notAPacket
      }
    case .lineStart, .indent, .name, .beforeValue, .value, .valueReturn:
      try takeHeader(byte)
    case .closing, .payloadSpace, .payloadNone, .payloadSize, .payloadReturn:
      return try takePayload(byte)
    case .failed(let error):
      throw error
    }
    return nil
  }

  private mutating func takeHeader(_ byte: UInt8) throws(PacketError) {
    switch state {
    case .lineStart where byte == Self.space:
      guard head.headers.count < PacketHead.maximumHeaders else { throw .tooManyHeaders }
      state = .indent(spaces: 1)
    case .lineStart where byte == Self.closing[0]:
      guard !head.headers.isEmpty else { throw .noHeaders }
      state = .closing(matched: 1)
    case .indent(let spaces) where byte == Self.space:
      guard spaces < 8 else { throw .indentation(line: line) }
      state = .indent(spaces: spaces + 1)
    case .indent:
      state = .name
      try takeName(byte)
    case .name where byte == UInt8(ascii: ":"):
      try endName()
    case .name:
      try takeName(byte)
    case .beforeValue(let spaces) where byte == Self.space:
      state = .beforeValue(spaces: spaces + 1)
    case .beforeValue(let spaces):
      guard byte != Self.lineFeed, byte != Self.carriageReturn else {
        throw .emptyValue(line: line, header: name)
      }
      guard spaces > 0 else { throw .spaceAfterColon(line: line) }
      state = .value
      try takeValue(byte)
    case .value where byte == Self.lineFeed, .valueReturn where byte == Self.lineFeed:
      try endValue()
    case .value where byte == Self.carriageReturn:
      state = .valueReturn
    case .value:
      try takeValue(byte)
    case .valueReturn:
      throw .control(line: line, header: name)
    default:
      throw .indentation(line: line)
    }
  }

  private mutating func takeName(_ byte: UInt8) throws(PacketError) {
    guard let lowered = HeaderName.lowered(byte), text.count < HeaderName.maximumLength else {
      throw .name(line: line)
    }
    text.append(lowered)
  }

  private mutating func endName() throws(PacketError) {
    name = HeaderName(checked: String(decoding: text, as: UTF8.self))
    guard !head.headers.contains(where: { $0.name == name }) else { throw .duplicate(line: line, header: name) }
    text.removeAll(keepingCapacity: true)
    state = .beforeValue(spaces: 0)
  }

  private mutating func takeValue(_ byte: UInt8) throws(PacketError) {
    guard !Controls.isControl(byte, after: text.last) else { throw .control(line: line, header: name) }
    text.append(byte)
  }

  private mutating func endValue() throws(PacketError) {
    while text.last == Self.space { text.removeLast() }
    guard let value = String(validating: text, as: UTF8.self) else { throw .notUTF8(line: line, header: name) }
    head.headers.append(PacketHead.Header(name, value))
    startLine()
  }

  private mutating func startLine() {
    text.removeAll(keepingCapacity: true)
    line += 1
    state = .lineStart
  }

  private mutating func takePayload(_ byte: UInt8) throws(PacketError) -> PacketHead? {
    switch state {
    case .closing(let matched):
      guard byte == Self.closing[matched] else { throw .indentation(line: line) }
      let next = matched + 1
      state = next == Self.closing.count ? .payloadSpace(spaces: 0) : .closing(matched: next)
    case .payloadSpace(let spaces):
      if byte == Self.space {
        state = .payloadSpace(spaces: spaces + 1)
      } else if spaces > 0, byte == UInt8(ascii: "-") {
        state = .payloadNone
      } else if spaces > 0, let digit = WireNumber.digit(byte) {
        state = .payloadSize(digit)
      } else {
        throw .payload(line: line)
      }
    case .payloadNone:
      return try endPayload(byte, .none)
    case .payloadSize(let size):
      guard let digit = WireNumber.digit(byte) else { return try endPayload(byte, .bytes(size)) }
      guard let longer = WireNumber.appending(digit, to: size) else { throw .payload(line: line) }
      state = .payloadSize(longer)
    case .payloadReturn(let payload) where byte == Self.lineFeed:
      return try endPayload(byte, payload)
    default:
      throw .payload(line: line)
    }
    return nil
  }

  private mutating func endPayload(_ byte: UInt8, _ payload: PacketHead.Payload) throws(PacketError) -> PacketHead? {
    switch byte {
    case Self.lineFeed:
      head.payload = payload
      return head
    case Self.carriageReturn:
      state = .payloadReturn(payload)
      return nil
    default:
      throw .payload(line: line)
    }
  }
}
