import CLinux
import Dispatch
import FoundationEssentials
import Glibc

/// The line between the process that ends and the one that takes over: a socket of the unix domain, with messages of JSON, each
/// behind its length in four bytes.
final class HandOverLine: Sendable {
  /// Nobody says more at once: the longest message names every open upload.
  private static let longest = 64 << 20

  private let socket: CInt
  /// Who says something does not wait for the other side to hear it.
  private let sending = DispatchQueue(label: "sluice.hand-over")

  /// - Parameter socket: connected; closed with this.
  init(socket: CInt) {
    self.socket = socket
  }

  deinit {
    Glibc.close(socket)
  }

  /// Says it after what was said before. Whether it arrives shows in what comes back.
  func say(_ message: HandOverMessage) {
    sending.async { [self] in
      guard let body = try? JSONEncoder().encode(message) else { return hangUp() }
      let length = UInt32(body.count)
      var bytes = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) }
      bytes += body
      if !send(bytes) { hangUp() }
    }
  }

  /// Passes open sockets on.
  func pass(_ descriptors: [CInt]) {
    sending.async { [self] in
      if sluice_send_descriptors(socket, descriptors, CInt(descriptors.count)) != 0 { hangUp() }
    }
  }

  /// The next message; blocks. `nil` once the other side is gone, or says what cannot be understood.
  func hear() -> HandOverMessage? {
    guard let head = receive(4) else { return nil }
    let length = head.reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.longest, let body = receive(length) else { return nil }
    return try? JSONDecoder().decode(HandOverMessage.self, from: Data(body))
  }

  /// Sockets that are passed on; blocks. `nil` where something else came.
  func take() -> [CInt]? {
    var descriptors = [CInt](repeating: -1, count: Int(SLUICE_MOST_DESCRIPTORS))
    let count = sluice_receive_descriptors(socket, &descriptors)
    return count < 0 ? nil : Array(descriptors.prefix(Int(count)))
  }

  /// Ends the line once all is said: both sides hear nothing any more.
  func end() {
    sending.async { [self] in hangUp() }
  }

  private func hangUp() { shutdown(socket, CInt(SHUT_RDWR)) }

  private func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private func receive(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes { read(socket, $0.baseAddress.map { $0 + filled }, count - filled) }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      filled += got
    }
    return bytes
  }
}
