import Forwarders
import Glibc
import NIOPosix
import OperatingSystem

/// A service of ICAP (RFC 3507), which is sent the file as the answer to a request that nobody made (`RESPMOD`).
final class ICAPChecker: Checker {
  private let url: ICAPURL
  private let threads: NIOThreadPool
  private let connections = OpenSockets()

  init(_ url: ICAPURL, atOnce: Int) {
    self.url = url
    threads = NIOThreadPool(numberOfThreads: atOnce)
    threads.start()
  }

  func look(at file: FileToCheck, within limit: Duration) async -> CheckAnswer {
    do {
      return try await threads.runIfActive { self.scan(file, until: .now + limit) }
    } catch {
      return .silent("the ICAP service is not asked any more")
    }
  }

  func retire() { threads.shutdownGracefully { _ in } }

  func stop() {
    connections.stop()
    retire()
  }

  private func scan(_ file: FileToCheck, until deadline: ContinuousClock.Instant) -> CheckAnswer {
    do throws(TimedSocket.Failure) {
      let socket = try TimedSocket(to: .host(url.host, port: url.port), until: deadline, in: connections)
      defer { socket.close() }
      let bytes = try FileBytes(file.path)
      defer { bytes.close() }
      var answer = ICAPAnswer()
      do throws(TimedSocket.Failure) {
        try send(bytes, over: socket, &answer)
      } catch {
        // One that has seen enough says so before it closes.
        try? Self.receive(&answer, from: socket)
        guard answer.isOver else { throw error }
      }
      try Self.receive(&answer, from: socket)
      return answer.verdict(onFileOf: bytes.size)
    } catch {
      return .silent("\(url): \(error.reason)")
    }
  }

  private static let readSize = 64 << 10

  /// What is left of the answer.
  private static func receive(
    _ answer: inout ICAPAnswer, from socket: TimedSocket
  ) throws(TimedSocket.Failure) {
    while !answer.isOver {
      let bytes = try socket.receive(upTo: readSize)
      if bytes.isEmpty { return }
      answer.take(bytes)
    }
  }

  private func send(
    _ reader: FileBytes, over socket: TimedSocket, _ answer: inout ICAPAnswer
  ) throws(TimedSocket.Failure) {
    // A name that is nobody's: the client's own is none of the scanner's business, and the key is a secret.
    let request = "GET http://sluice/upload HTTP/1.1\r\nHost: sluice\r\n\r\n"
    let response =
      "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: \(reader.size)\r\n\r\n"
    let head =
      "RESPMOD \(url) ICAP/1.0\r\nHost: \(url.authority)\r\nAllow: 204\r\nConnection: close\r\n"
      + "Encapsulated: req-hdr=0, res-hdr=\(request.utf8.count), res-body=\(request.utf8.count + response.utf8.count)"
      + "\r\n\r\n"
    try socket.send(Array((head + request + response).utf8))
    while let bytes = try reader.next() {
      // A service may send back what it has seen before it has seen all, and wait until somebody takes it.
      while socket.hasNews() {
        let news = try socket.receive(upTo: Self.readSize)
        answer.take(news)
        if news.isEmpty || answer.isOver { return }
      }
      try socket.send(Array("\(String(bytes.count, radix: 16))\r\n".utf8))
      try socket.send(bytes)
      try socket.send(Array("\r\n".utf8))
    }
    try socket.send(Array("0\r\n\r\n".utf8))
  }
}
