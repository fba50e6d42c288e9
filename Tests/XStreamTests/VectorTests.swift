import NIOCore
import Testing

@testable import XStream

@Suite("The vectors of docs/protocol.md")
struct VectorTests {
  @Test("there are some of every kind")
  func count() {
    #expect(Vector.all.count > 80)
  }

  @Test("each is read as it says", arguments: Vector.all)
  func reads(_ vector: Vector) throws {
    var buffer = ByteBuffer(bytes: vector.bytes)
    switch vector.kind {
    case .client(let kind, let isCanonical):
      var parser = PacketParser()
      let head = try #require(try parser.parse(&buffer))
      let request = try ClientRequest(head)
      #expect(name(of: request) == kind)
      #expect(buffer.readableBytes == 0)
      if isCanonical { #expect(written(try request.head()) == vector.bytes) }
    case .server(let kind):
      var parser = PacketParser()
      let head = try #require(try parser.parse(&buffer))
      let message = try ServerMessage(head)
      #expect(name(of: message) == kind)
      #expect(written(message.head) == vector.bytes)
    case .malformed(let reason):
      #expect(whyMalformed(vector.bytes) == reason)
    }
  }

  @Test("each is read the same when it comes byte by byte", arguments: Vector.all)
  func drips(_ vector: Vector) {
    var whole = ByteBuffer(bytes: vector.bytes)
    var parser = PacketParser()
    let expected = Result { try parser.parse(&whole) }
    let dripped = drip(vector.bytes)
    switch (expected, dripped) {
    case (.success(let one), .success(let other)): #expect(one == other)
    case (.failure(let one), .failure(let other)): #expect("\(one)" == "\(other)")
    default: Issue.record("differs when dripped: \(expected) \(dripped)")
    }
  }

  private func drip(_ bytes: [UInt8]) -> Result<PacketHead?, any Error> {
    var parser = PacketParser()
    for byte in bytes {
      var buffer = ByteBuffer(bytes: [byte])
      do {
        if let head = try parser.parse(&buffer) { return .success(head) }
      } catch {
        return .failure(error)
      }
    }
    return .success(nil)
  }

  private func whyMalformed(_ bytes: [UInt8]) -> String? {
    var buffer = ByteBuffer(bytes: bytes)
    var parser = PacketParser()
    do {
      guard let head = try parser.parse(&buffer) else { return nil }
      _ = try ClientRequest(head)
      return nil
    } catch let error as PacketError {
      return error.reason
    } catch let error as RequestError {
      return error.reason
    } catch {
      return nil
    }
  }

  private func written(_ head: PacketHead) -> [UInt8] {
    var buffer = ByteBuffer()
    PacketWriter.write(head, into: &buffer)
    return Array(buffer.readableBytesView)
  }

  private func name(of request: ClientRequest) -> String {
    switch request {
    case .open: "open"
    case .resume: "resume"
    case .ask: "ask"
    case .giveUp: "give-up"
    case .payload: "payload"
    }
  }

  private func name(of message: ServerMessage) -> String {
    switch message {
    case .offer: "offer"
    case .progress: "progress"
    case .final: "final"
    case .refusal: "refusal"
    case .gaveUp: "gave-up"
    }
  }
}
