internal import COpenSSL
internal import Synchronization

/// A key that session tickets are encrypted with (RFC 5077, section 4): a name of 16 bytes, and a secret of 32 for each of
/// encryption and authentication. The secrets are wiped when the last who has the key lets go of it.
public struct TicketKey: Sendable, Equatable {
  /// The size of all three together, in bytes.
  public static let size = 80

  let name: [UInt8]
  let authentication: SecretBytes
  let encryption: SecretBytes

  /// - Parameter bytes: name, authentication, encryption; `nil` is the answer to any other number than ``size``.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.size else { return nil }
    name = Array(bytes[..<16])
    authentication = SecretBytes(bytes[16..<48])
    encryption = SecretBytes(bytes[48...])
  }

  /// A random one; `nil` where the system has no random bytes.
  static func random() -> TicketKey? {
    var bytes = [UInt8](repeating: 0, count: size)
    defer { wipe(&bytes) }
    guard RAND_bytes(&bytes, CInt(size)) == 1 else { return nil }
    return TicketKey(bytes)
  }
}

/// The keys of one server's tickets, which outlive its contexts: a reload ends no session.
///
/// A server's own keys are its secret, and follow each other: who gets at one some day decrypts the tickets of two hours.
/// Those of several servers that share theirs come from outside, and change when somebody changes them.
public final class TicketKeys: Sendable {
  private let ring: Mutex<TicketKeyRing>

  /// A server's own.
  public init() {
    ring = Mutex(TicketKeyRing())
  }

  /// From now on new tickets are encrypted with the first of `keys`, and those of any of them are taken; with the server's
  /// own again where there are none.
  public func share(_ keys: [TicketKey]) {
    ring.withLock { $0.shared = keys }
  }

  func newest(at seconds: Int64) -> TicketKey? { ring.withLock { $0.newest(at: seconds) } }

  func find(_ name: UnsafeBufferPointer<UInt8>, at seconds: Int64) -> (key: TicketKey, isNewest: Bool)? {
    ring.withLock { $0.find(name, at: seconds) }
  }
}

/// Which key is of use when. Has no clock: the caller says when it is, in seconds that only grow.
struct TicketKeyRing {
  /// After so many seconds a new own key is made.
  static let rotation: Int64 = 3600
  /// So long after that tickets of the one before are taken: as long as any of them is good.
  static let keptFor = Int64(TLSContext.sessionLifetime)

  var shared: [TicketKey] = []
  /// The newest first.
  private(set) var own: [(key: TicketKey, madeAt: Int64)] = []

  mutating func newest(at seconds: Int64) -> TicketKey? {
    if let first = shared.first { return first }
    if let newest = own.first, seconds - newest.madeAt < Self.rotation { return newest.key }
    own.removeAll { seconds - $0.madeAt > Self.rotation + Self.keptFor }
    guard let key = TicketKey.random() else { return nil }
    own.insert((key, seconds), at: 0)
    return key
  }

  func find(_ name: UnsafeBufferPointer<UInt8>, at seconds: Int64) -> (key: TicketKey, isNewest: Bool)? {
    if let index = shared.firstIndex(where: { $0.name.elementsEqual(name) }) { return (shared[index], index == 0) }
    guard
      let index = own.firstIndex(where: { key, madeAt in
        seconds - madeAt <= Self.rotation + Self.keptFor && key.name.elementsEqual(name)
      })
    else { return nil }
    return (own[index].key, index == 0 && shared.isEmpty && seconds - own[index].madeAt < Self.rotation)
  }
}

/// libssl writes a ticket, or reads one. The answers are its own: 0 is a full handshake, 2 has the client get a new ticket.
let useTicketKey:
  @convention(c) (
    OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?, CInt
  ) -> CInt = { handle, name, vector, cipher, authentication, writes in
    guard let handle, let name, let vector, let cipher, let authentication, let data = shim_SSL_get_app_data(handle),
      let keys = Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue().context.ticketKeys
    else { return -1 }
    let now = ContinuousClock.now.seconds
    if writes == 1 {
      guard let key = keys.newest(at: now) else { return -1 }
      for (index, byte) in key.name.enumerated() { name[index] = byte }
      return key.use(cipher, authentication, vector, writes: 1) == 1 ? 1 : -1
    }
    guard let (key, isNewest) = keys.find(UnsafeBufferPointer(start: name, count: 16), at: now) else { return 0 }
    guard key.use(cipher, authentication, vector, writes: 0) == 1 else { return -1 }
    return isNewest ? 1 : 2
  }

extension TicketKey {
  fileprivate func use(
    _ cipher: OpaquePointer, _ mac: OpaquePointer, _ vector: UnsafeMutablePointer<UInt8>, writes: CInt
  ) -> CInt {
    encryption.withBytes { encryption in
      authentication.withBytes { shim_use_ticket_key(cipher, mac, encryption, $0, vector, writes) }
    }
  }
}

extension ContinuousClock.Instant {
  /// Since the process began to ask.
  fileprivate var seconds: Int64 { Self.origin.duration(to: self).components.seconds }
  private static let origin = ContinuousClock.now
}
