import NIOCore

/// Tells the bodies of requests from everything else in what an HTTP/2 connection brings (RFC 9113, sections 3.4, 4.1 and 6.1).
/// Has no I/O, copies nothing, and keeps no more than a frame's head.
///
/// A frame that breaks a rule is left with everything else: whoever reads that knows what to say.
struct HTTP2BodyFinder {
  /// What comes next.
  enum Part: Equatable {
    /// Bytes that are no body.
    case other(ByteBuffer)
    /// A frame of a body begins. ``begin(taking:)`` has to say what becomes of it before anything else is asked.
    case frame(Frame)
    /// Bytes of the frame that was taken; none where it is empty.
    case content(ByteBuffer, endsFrame: Bool)
  }

  /// The head of a frame of DATA.
  struct Frame: Equatable {
    fileprivate static let size = 9
    private static let data: UInt8 = 0
    private static let endStream: UInt8 = 1
    private static let padded: UInt8 = 8

    let stream: Int
    /// In bytes, with padding; what counts for the windows.
    let length: Int
    private let flags: UInt8

    var endsStream: Bool { flags & Self.endStream != 0 }
    var isPadded: Bool { flags & Self.padded != 0 }

    init(stream: Int, length: Int, endsStream: Bool = false, isPadded: Bool = false) {
      self.stream = stream
      self.length = length
      flags = (endsStream ? Self.endStream : 0) | (isPadded ? Self.padded : 0)
    }

    /// `nil` where it is another frame's.
    fileprivate init?(_ head: ByteBuffer) {
      let start = head.readerIndex
      guard head.getInteger(at: start + 3, as: UInt8.self) == Self.data,
        let flags = head.getInteger(at: start + 4, as: UInt8.self),
        let stream = head.getInteger(at: start + 5, as: UInt32.self)
      else { return nil }
      length = HTTP2BodyFinder.length(head)
      self.flags = flags
      self.stream = Int(stream & 0x7FFF_FFFF)
    }

    fileprivate func write(to bytes: inout ByteBuffer) {
      let low = UInt16(truncatingIfNeeded: length)
      bytes.writeMultipleIntegers(UInt8(length >> 16), low, Self.data, flags, UInt32(stream))
    }

    /// An empty frame of the same stream, with its end or without.
    func writeEmpty(to bytes: inout ByteBuffer) {
      Frame(stream: stream, length: 0, endsStream: endsStream).write(to: &bytes)
    }
  }

  private enum Place {
    /// Within what is no body: so many bytes of it are still to come.
    case other(Int)
    /// At a frame's head.
    case head
    case deciding(Frame)
    /// At the byte that says how much padding a frame has.
    case padding(Frame)
    case content(left: Int, padding: Int)
    case skip(Int)
  }

  private static let prefaceSize = 24

  private var place = Place.other(Self.prefaceSize)
  /// A head that has not come whole.
  private var held = ByteBuffer()

  /// - Returns: `nil` where more bytes have to come first.
  mutating func next(_ input: inout ByteBuffer) -> Part? {
    while true {
      switch place {
      case .other(let left):
        guard left > 0 else {
          place = .head
          continue
        }
        guard let bytes = Self.take(left, of: &input) else { return nil }
        place = .other(left - bytes.readableBytes)
        return .other(bytes)
      case .head:
        guard let head = takeHead(&input) else { return nil }
        guard let frame = Frame(head) else {
          place = .other(Self.length(head))
          return .other(head)
        }
        place = .deciding(frame)
        return .frame(frame)
      case .deciding(let frame): preconditionFailure("nobody has said what becomes of \(frame)")
      case .padding(let frame):
        guard let padding = input.readInteger(as: UInt8.self) else { return nil }
        guard Int(padding) < frame.length else {
          var head = ByteBuffer()
          frame.write(to: &head)
          head.writeInteger(padding)
          place = .other(frame.length - 1)
          return .other(head)
        }
        place = .content(left: frame.length - 1 - Int(padding), padding: Int(padding))
      case .content(let left, let padding):
        let bytes = left > 0 ? Self.take(left, of: &input) : ByteBuffer()
        guard let bytes else { return nil }
        let rest = left - bytes.readableBytes
        place = rest > 0 ? .content(left: rest, padding: padding) : .skip(padding)
        return .content(bytes, endsFrame: rest == 0)
      case .skip(let left):
        let count = min(left, input.readableBytes)
        input.moveReaderIndex(forwardBy: count)
        place = left > count ? .skip(left - count) : .head
        if left > count { return nil }
      }
    }
  }

  /// - Parameter isTaken: whether the frame's bytes are to be told as ``Part/content(_:endsFrame:)``.
  /// - Returns: its head, where it is left with everything else.
  mutating func begin(taking isTaken: Bool) -> ByteBuffer? {
    guard case .deciding(let frame) = place else { preconditionFailure("no frame waits") }
    guard isTaken, !frame.isPadded || frame.length > 0 else {
      var head = ByteBuffer()
      frame.write(to: &head)
      place = .other(frame.length)
      return head
    }
    place = frame.isPadded ? .padding(frame) : .content(left: frame.length, padding: 0)
    return nil
  }

  private mutating func takeHead(_ input: inout ByteBuffer) -> ByteBuffer? {
    if held.readableBytes == 0, let head = input.readSlice(length: Frame.size) { return head }
    guard var more = Self.take(Frame.size - held.readableBytes, of: &input) else { return nil }
    held.writeBuffer(&more)
    guard held.readableBytes == Frame.size else { return nil }
    defer { held = ByteBuffer() }
    return held
  }

  private static func length(_ head: ByteBuffer) -> Int {
    Int((head.getInteger(at: head.readerIndex, as: UInt32.self) ?? 0) >> 8)
  }

  /// `nil` where there is none.
  private static func take(_ most: Int, of input: inout ByteBuffer) -> ByteBuffer? {
    let count = min(most, input.readableBytes)
    return count > 0 ? input.readSlice(length: count) : nil
  }
}
