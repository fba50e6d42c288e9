import Forwarders
import NIOPosix

/// ClamAV's daemon, which is sent the file's bytes (`INSTREAM`, clamd(8)): it needs no right to reach the store.
final class ClamdChecker: Checker {
  private let address: BackendAddress
  private let threads: NIOThreadPool
  private let connections = OpenSockets()

  init(_ address: BackendAddress, atOnce: Int) {
    self.address = address
    threads = NIOThreadPool(numberOfThreads: atOnce)
    threads.start()
  }

  func look(at file: FileToCheck, within limit: Duration) async -> CheckAnswer {
    do {
      return try await threads.runIfActive { self.scan(file.path, until: .now + limit) }
    } catch {
      return .silent("clamd is not asked any more")
    }
  }

  func retire() { threads.shutdownGracefully { _ in } }

  func stop() {
    connections.stop()
    retire()
  }

  private func scan(_ path: String, until deadline: ContinuousClock.Instant) -> CheckAnswer {
    do throws(TimedSocket.Failure) {
      let socket = try TimedSocket(to: address, until: deadline, in: connections)
      defer { socket.close() }
      do throws(TimedSocket.Failure) {
        try send(path, over: socket)
      } catch {
        // One that has heard enough says why before it closes.
        if let answer = try? Self.receive(socket), !answer.isEmpty { return Self.answer(answer) }
        throw error
      }
      return Self.answer(try Self.receive(socket))
    } catch {
      return .silent("clamd at \(address): \(error.reason)")
    }
  }

  private func send(_ path: String, over socket: TimedSocket) throws(TimedSocket.Failure) {
    let file = try FileBytes(path)
    defer { file.close() }
    try socket.send(Array("zINSTREAM\0".utf8))
    while let bytes = try file.next() {
      try socket.send(Self.size(bytes.count))
      try socket.send(bytes)
    }
    try socket.send(Self.size(0))
  }

  /// What it says, up to the NUL at its end.
  private static func receive(_ socket: TimedSocket) throws(TimedSocket.Failure) -> [UInt8] {
    var answer: [UInt8] = []
    while answer.last != 0, answer.count < 4096 {
      let bytes = try socket.receive(upTo: 4096)
      if bytes.isEmpty { break }
      answer += bytes
    }
    return answer
  }

  /// As clamd reads it: four bytes, the highest first.
  private static func size(_ count: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * (3 - $0))) }
  }

  /// `stream: OK`, `stream: NAME FOUND`, or what is wrong.
  static func answer(_ bytes: [UInt8]) -> CheckAnswer {
    let text = OneLine.of(Array(bytes.prefix { $0 != 0 }))
    if text == "stream: OK" { return .clean }
    if text.hasPrefix("stream: "), text.hasSuffix(" FOUND") {
      return .found(String(text.dropFirst("stream: ".count).dropLast(" FOUND".count)))
    }
    return .silent(text.isEmpty ? "clamd closed the connection" : "clamd says: \(text)")
  }
}
