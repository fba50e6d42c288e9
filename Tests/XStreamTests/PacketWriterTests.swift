import NIOCore
import Testing

@testable import XStream

@Suite("PacketWriter")
struct PacketWriterTests {
  private func text(_ head: PacketHead) -> String {
    var buffer = ByteBuffer()
    PacketWriter.write(head, into: &buffer)
    return String(buffer: buffer)
  }

  @Test("keeps every value on its line")
  func controls() {
    let head = PacketHead([
      .init(.reason, " gone\r\npayload: 5\n\u{85}x\0 "), .init(.route, "\n"), .init(.status, "1"),
    ])
    #expect(text(head) == "headers:\n    reason: gone  payload: 5  x\n    status: 1\npayload: -\n")
  }

  @Test("cuts a long reason between characters")
  func longReason() throws {
    let refusal = RefusalMessage(status: .storage, reason: "a" + String(repeating: "é", count: 600))
    let reason = try #require(ServerMessage.refusal(refusal).head[.reason])
    #expect(reason.utf8.count == 511)
    #expect(reason.last == "é")
  }

  @Test("refuses a request that a server would refuse")
  func unsendable() {
    func error(_ change: (inout OpenRequest) -> Void) -> RequestError? {
      var open = OpenRequest(
        context: RequestContext(route: "/a"), format: .bytes, total: .known(1), buffer: 1)
      change(&open)
      do throws(RequestError) {
        _ = try ClientRequest.open(open).head()
        return nil
      } catch {
        return error
      }
    }
    #expect(error { _ in } == nil)
    #expect(error { $0.buffer = 0 } == .keyNeeded)
    #expect(error { $0.context.route = "a" } != nil)
    #expect(error { $0.context.route = "/a\nstatus: 0" } == .unsendable(.control(line: 2, header: .route)))
    #expect(error { $0.context.authorization = .bearer("a b") } != nil)
    #expect(error { $0.acknowledgeEvery = 0 } != nil)
    let long = String(repeating: "r", count: 17_000)
    #expect(error { $0.context.route = "/" + long } == .unsendable(.headTooLong))
  }

  @Test("writes a resume with a buffer of 0 for no one, as it would be a question")
  func resumeWithoutBuffer() throws {
    let open = OpenRequest(context: RequestContext(route: "/a"), format: .bytes, total: .known(1), buffer: 0)
    let resume = ResumeRequest(open: open, key: try #require(StreamKey("0123456789abcdef")))
    #expect(throws: RequestError.self) { try ClientRequest.resume(resume).head() }
  }
}
