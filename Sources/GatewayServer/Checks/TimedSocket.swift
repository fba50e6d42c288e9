import Forwarders
import Glibc
import NIOCore
import Synchronization

/// A connection that a thread of its own reads and writes, each time no longer than to one moment.
struct TimedSocket {
  /// Why it did not do what was asked.
  struct Failure: Error {
    let reason: String
  }

  private let descriptor: CInt
  private let deadline: ContinuousClock.Instant
  private let sockets: OpenSockets

  init(
    to address: BackendAddress, until deadline: ContinuousClock.Instant, in sockets: OpenSockets
  ) throws(Failure) {
    self.deadline = deadline
    self.sockets = sockets
    let place: SocketAddress
    do {
      place =
        switch address {
        case .host(let host, let port): try SocketAddress.makeAddressResolvingHost(host, port: port)
        case .unix(let path): try SocketAddress(unixDomainSocketPath: path)
        }
    } catch {
      throw Failure(reason: "\(error)")
    }
    let family =
      switch place {
      case .v4: AF_INET
      case .v6: AF_INET6
      case .unixDomainSocket: AF_UNIX
      }
    let made = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    descriptor = made
    guard made >= 0 else { throw Self.failure("no socket") }
    guard sockets.add(made) else {
      Glibc.close(made)
      throw Failure(reason: "the gateway is stopping")
    }
    do throws(Failure) {
      try limit()
      let code = place.withSockAddr { Glibc.connect(made, $0, socklen_t($1)) }
      guard code == 0 else { throw Self.failure("no connection") }
    } catch {
      close()
      throw error
    }
  }

  func close() { sockets.close(descriptor) }

  func send(_ bytes: [UInt8]) throws(Failure) { try send(bytes[...]) }

  func send(_ bytes: ArraySlice<UInt8>) throws(Failure) {
    var rest = bytes
    let descriptor = descriptor
    while !rest.isEmpty {
      try limit()
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("sending") }
      rest = rest.dropFirst(count)
    }
  }

  /// What comes next, at most so many bytes; nothing at the end of the connection.
  func receive(upTo most: Int) throws(Failure) -> ArraySlice<UInt8> {
    var buffer = [UInt8](repeating: 0, count: most)
    while true {
      try limit()
      let count = recv(descriptor, &buffer, most, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Self.failure("waiting for its answer") }
      return buffer[..<count]
    }
  }

  /// Whether something has come already, or the connection is over.
  func hasNews() -> Bool {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&polled, 1, 0) > 0
  }

  /// The next call waits no longer than to the deadline.
  private func limit() throws(Failure) {
    let rest = ContinuousClock.now.duration(to: deadline)
    guard rest > .milliseconds(1) else { throw Failure(reason: "it took longer than `time-limit`") }
    var time = timeval(
      tv_sec: Int(rest.components.seconds), tv_usec: Int(rest.components.attoseconds / 1_000_000_000_000))
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  private static func failure(_ attempt: String) -> Failure {
    let code = errno
    if code == EAGAIN || code == EINPROGRESS { return Failure(reason: "it took longer than `time-limit`") }
    return Failure(reason: "\(attempt): \(String(cString: strerror(code)))")
  }
}

/// The connections that are open, so that all can be ended when the gateway goes away.
final class OpenSockets: Sendable {
  private struct State {
    var open: Set<CInt> = []
    var isStopped = false
  }

  private let state = Mutex(State())

  /// - Returns: whether it may be used.
  func add(_ descriptor: CInt) -> Bool {
    state.withLock { state in
      guard !state.isStopped else { return false }
      state.open.insert(descriptor)
      return true
    }
  }

  /// Within the lock: its number may be another's at once.
  func close(_ descriptor: CInt) {
    state.withLock { state in
      guard state.open.remove(descriptor) != nil else { return }
      Glibc.close(descriptor)
    }
  }

  /// Whoever waits for one hears that it is over.
  func stop() {
    state.withLock { state in
      state.isStopped = true
      for descriptor in state.open { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }
  }
}
