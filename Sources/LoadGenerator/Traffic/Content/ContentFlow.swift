import NIOCore

/// Which bytes of a content go out next: in portions, up to a place, one by one, and no faster than a bandwidth.
struct ContentFlow {
  /// What comes next.
  enum Step {
    /// These bytes; where they `yield`, other connections have their turn after them.
    case send(ByteBuffer, yields: Bool)
    /// Nothing before somebody says so.
    case hold
    /// Nothing before that moment.
    case later(NIODeadline)
  }

  /// The next byte to send.
  var position: Int64 = 0
  var portionSize = UploadContent.largestPortion
  /// Where to stop until it is nil.
  var hold: Int64?
  /// The first so many bytes are sent one by one.
  var oneByOne: Int64 = 0
  private let bandwidth: Int64?
  /// When the next byte may go, with a bandwidth.
  private var nextSend = NIODeadline.uptimeNanoseconds(0)

  /// - Parameter bandwidth: bytes a second; nil for as many as go.
  init(bandwidth: Int64?) {
    self.bandwidth = bandwidth
  }

  /// Begins anew at a place, within the bandwidth.
  mutating func begin(at position: Int64 = 0, hold: Int64? = nil, oneByOne: Int64 = 0) {
    self.position = position
    self.hold = hold
    self.oneByOne = oneByOne
  }

  /// - Precondition: `sendable`, the bytes that may be sent, is above 0.
  mutating func next(_ content: UploadContent, sendable: Int64) -> Step {
    var most = min(Int64(portionSize), sendable)
    if let hold {
      guard position < hold else { return .hold }
      most = min(most, hold - position)
    }
    let isSingle = position < oneByOne
    if isSingle { most = 1 }
    if let bandwidth {
      let now = NIODeadline.now()
      guard nextSend <= now else { return .later(nextSend) }
      // Twenty portions a second are smooth enough.
      most = min(most, max(1, bandwidth / 20))
      nextSend = max(nextSend, now - .milliseconds(50)) + .nanoseconds(Int64(Double(most) / Double(bandwidth) * 1e9))
    }
    let bytes = content.portion(at: position, most: Int(most))
    position += Int64(bytes.readableBytes)
    return .send(bytes, yields: isSingle)
  }
}
