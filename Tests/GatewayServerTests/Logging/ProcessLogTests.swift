import XStream
import Foundation
import Glibc
import Logging
import Synchronization
import Testing
import XStreamClient

@testable import GatewayServer

/// The log of a gateway whose reader is slow, gone, or a full disk.
@Suite(.timeLimit(.minutes(1))) struct ProcessLogTests {
  /// A pipe that holds a page. Its ends stay open to the end of the process, like the log's thread.
  private struct Line {
    let reader: CInt
    let writer: CInt

    init(isBlocking: Bool = true) throws {
      var ends: [CInt] = [0, 0]
      try #require(pipe(&ends) == 0)
      (reader, writer) = (ends[0], ends[1])
      // F_SETPIPE_SZ
      try #require(fcntl(writer, 1031, 4096) > 0)
      if !isBlocking { try #require(fcntl(writer, F_SETFL, O_WRONLY | O_NONBLOCK) == 0) }
    }

    /// Reads until `isEnough`, in a thread of its own.
    func read(until isEnough: @escaping @Sendable (String) -> Bool) async -> String {
      await withCheckedContinuation { continuation in
        Thread.detachNewThread { [reader] in
          var all: [UInt8] = []
          var buffer = [UInt8](repeating: 0, count: 1024)
          while !isEnough(String(decoding: all, as: UTF8.self)) {
            let count = Glibc.read(reader, &buffer, buffer.count)
            if count <= 0 { break }
            all += buffer[..<count]
          }
          continuation.resume(returning: String(decoding: all, as: UTF8.self))
        }
      }
    }
  }

  private func log(
    _ format: Configuration.LogFormat, to descriptor: CInt, records: Int = 100, bytes: Int = 1 << 20
  ) throws -> ProcessLog {
    try ProcessLog(
      Configuration.Log(level: .info, format: format), descriptor: descriptor,
      bounds: LogQueue.Bounds(records: records, bytes: bytes))
  }

  /// How many records say that they are one of the test's, and how many others were dropped by their count.
  private func counts(_ text: String) -> (records: Int, dropped: Int) {
    var (records, dropped) = (0, 0)
    for line in text.split(separator: "\n") {
      guard line.contains("were dropped here") else {
        if line.contains("one of many") { records += 1 }
        continue
      }
      let digits = line.firstRange(of: /records"?[=:]"?(\d+)/).map { line[$0].filter(\.isNumber) } ?? ""
      dropped += Int(digits) ?? 0
    }
    return (records, dropped)
  }

  @Test(
    "a log that nobody reads stops nobody; what is dropped is counted, and said when there is room again",
    arguments: Configuration.LogFormat.allCases, [true, false])
  func slowReader(format: Configuration.LogFormat, isBlocking: Bool) async throws {
    let line = try Line(isBlocking: isBlocking)
    let log = try log(format, to: line.writer)
    let logger = Logger(label: "test", factory: log.handler)
    // This returns, although nobody reads.
    for number in 0..<2000 { logger.info("one of many", metadata: ["number": "\(number)"]) }
    let text = await line.read { text in
      let (records, dropped) = counts(text)
      return records + dropped >= 2000 && text.hasSuffix("\n")
    }
    let (records, dropped) = counts(text)
    #expect(records + dropped == 2000 && records >= 100 && dropped > 1000, "\(records) and \(dropped)")
    #expect(text.hasSuffix("\n"))
    let numbers = text.split(separator: "\n").compactMap { line in
      line.firstRange(of: /number"?[=:]"?(\d+)/).flatMap { Int(line[$0].filter(\.isNumber)) }
    }
    #expect(numbers == numbers.sorted() && numbers.count == records)
    if format == .json {
      for line in text.split(separator: "\n") {
        #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) is [String: Any], "\(line)")
      }
    }
    // Nothing is left, and it goes on.
    logger.info("one of many")
    #expect(await line.read { $0.contains("one of many") && $0.hasSuffix("\n") }.contains("one of many"))
    #expect(log.drain(within: .seconds(10)))
  }

  @Test("large records are bounded by their bytes")
  func largeRecords() async throws {
    let line = try Line()
    let log = try log(.text, to: line.writer, records: 1000, bytes: 64 << 10)
    let logger = Logger(label: "test", factory: log.handler)
    let value = String(repeating: "x", count: 10_000)
    for _ in 0..<100 { logger.info("one of many", metadata: ["value": "\(value)"]) }
    let text = await line.read { text in
      let (records, dropped) = counts(text)
      return records + dropped >= 100 && text.hasSuffix("\n")
    }
    let (records, dropped) = counts(text)
    #expect(records + dropped == 100 && (4...8).contains(records), "\(records)")
  }

  @Test("the end of a gateway waits for a reader that reads, and not for one that does not")
  func draining() async throws {
    let line = try Line()
    let log = try log(.text, to: line.writer, records: 10_000)
    let logger = Logger(label: "test", factory: log.handler)
    for _ in 0..<1000 { logger.info("one of many") }
    let clock = ContinuousClock()
    var isDrained = true
    let time = clock.measure { isDrained = log.drain(within: .seconds(30)) }
    #expect(!isDrained && time < .seconds(5), "\(time)")
    let short = clock.measure { isDrained = log.drain(within: .milliseconds(50)) }
    #expect(!isDrained && short < .milliseconds(900), "\(short)")
    async let text = line.read { counts($0).records >= 1000 }
    let drains = await Task.detached { log.drain(within: .seconds(30)) }.value
    #expect(drains)
    #expect(await counts(text).records == 1000)
  }

  @Test("a disk that is full neither stops who logs nor takes memory without end")
  func fullDisk() throws {
    let file = open("/dev/full", O_WRONLY | O_CLOEXEC)
    let log = try log(.text, to: file)
    let logger = Logger(label: "test", factory: log.handler)
    for _ in 0..<100_000 { logger.info("one of many") }
    let time = ContinuousClock().measure { #expect(!log.drain(within: .seconds(30))) }
    #expect(time < .seconds(5), "\(time)")
  }

  @Test("a reader that comes after another went away begins with a whole line")
  func newReader() async throws {
    let folder = try GatewayFolder()
    let path = folder.path + "/fifo"
    try #require(mkfifo(path, 0o600) == 0)
    let first = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let writer = open(path, O_WRONLY | O_CLOEXEC)
    let log = try log(.text, to: writer, records: 10_000)
    let logger = Logger(label: "test", factory: log.handler)
    logger.info("before")
    var buffer = [UInt8](repeating: 0, count: 1000)
    #expect(await eventually { read(first, &buffer, buffer.count) > 0 })
    close(first)
    for _ in 0..<10 { logger.info("one of many") }
    let second = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let text = Mutex("")
    let isRead = await eventually {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(second, &bytes, bytes.count)
      return text.withLock { text in
        if count > 0 { text += String(decoding: bytes[..<count], as: UTF8.self) }
        return counts(text).records >= 10 && text.hasSuffix("\n")
      }
    }
    #expect(isRead)
    // Each line begins with its time.
    for line in text.withLock({ $0 }).split(separator: "\n") { #expect(line.hasPrefix("20"), "\(line)") }
  }

  @Test("uploads go on while nobody reads the gateway's log, and it stops in time", arguments: ["text", "json"])
  func gateway(format: String) async throws {
    let folder = try GatewayFolder()
    let path = folder.path + "/log"
    try #require(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDWR | O_CLOEXEC)
    defer { close(reader) }
    try #require(fcntl(reader, 1031, 4096) > 0)
    var setup = GatewaySetup()
    setup.timeouts = "shutdown: 2s"
    let gateway = try GatewayProcess(setup, in: folder, wrapper: ["sh", "-c", "exec \"$@\" 2>log", "sh"])
    try folder.write("sluice.yaml", folder.text("sluice.yaml").replacing("trace}", with: "trace, format: \(format)}"))
    try await gateway.start()
    let sent = try await sluice(
      [
        "load", "-q", "--clients", "2", "--count", "60", "--size", "1k", "--new-connections", "--ca",
        TestCertificates.ours.ca, gateway.url().description,
      ], in: folder)
    #expect(sent.status == 0, "\(sent.output) \(sent.errors)")
    let clock = ContinuousClock()
    let began = clock.now
    #expect(await gateway.terminate()?.status == 0)
    #expect(clock.now - began < .seconds(15))
  }
}

extension GatewayFolder {
  fileprivate func text(_ name: String) throws -> String {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8)
  }
}
