internal import GatewayCore

/// Decides which backend gets an upload. No I/O.
struct BackendPool {
  private struct Backend {
    var address: BackendAddress
    var isUp = true
    /// Streams to it, parked ones too.
    var uploads = 0
  }

  private var backends: [Backend]
  private let balance: PipeForwarder.Balance
  private var turn = 0

  init(_ addresses: [BackendAddress], balance: PipeForwarder.Balance) {
    self.backends = addresses.map { Backend(address: $0) }
    self.balance = balance
  }

  /// All of them, in the order that they are to be tried in. Those that are down come last: where no other takes the
  /// upload, one of them may have come back.
  mutating func candidates(for key: UploadKey) -> [BackendAddress] {
    let start = turn
    turn = (turn + 1) % backends.count
    let rotated = backends[start...] + backends[..<start]
    let preferred: [Backend] =
      switch balance {
      case .roundRobin: Array(rotated)
      case .leastUploads:
        // The rotation breaks ties, for which the sort has to be stable.
        rotated.enumerated().sorted { ($0.element.uploads, $0.offset) < ($1.element.uploads, $1.offset) }.map(\.element)
      case .byKey: backends.sorted { weight($0.address, key) > weight($1.address, key) }
      }
    return (preferred.filter(\.isUp) + preferred.filter { !$0.isUp }).map(\.address)
  }

  var all: [(address: BackendAddress, isUp: Bool, uploads: Int)] {
    backends.map { ($0.address, $0.isUp, $0.uploads) }
  }

  mutating func began(_ address: BackendAddress) {
    change(address) { $0.uploads += 1 }
  }

  mutating func ended(_ address: BackendAddress) {
    change(address) { $0.uploads -= 1 }
  }

  /// - Returns: whether that is news.
  mutating func mark(_ address: BackendAddress, isUp: Bool) -> Bool {
    var isNews = false
    change(address) {
      isNews = $0.isUp != isUp
      $0.isUp = isUp
    }
    return isNews
  }

  private mutating func change(_ address: BackendAddress, _ body: (inout Backend) -> Void) {
    guard let index = backends.firstIndex(where: { $0.address == address }) else { return }
    body(&backends[index])
  }

  /// Rendezvous hashing: a backend more or less moves only the keys that are its own. FNV-1a, and a mixer, because FNV's
  /// upper bits hardly depend on the last bytes.
  private func weight(_ address: BackendAddress, _ key: UploadKey) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in key.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ 0xff) &* 0x100_0000_01b3
    for byte in address.description.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
    return hash ^ (hash >> 31)
  }
}
