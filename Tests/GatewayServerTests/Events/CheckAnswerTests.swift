import Testing

@testable import GatewayServer

/// What scanners answer, read for what it is.
@Suite struct CheckAnswerTests {
  @Test(
    "clamd's answers",
    arguments: [
      ("stream: OK\0", CheckAnswer.clean), ("stream: Eicar-Test-Signature FOUND\0", .found("Eicar-Test-Signature")),
      ("INSTREAM size limit exceeded. ERROR\0", .silent("clamd says: INSTREAM size limit exceeded. ERROR")),
      ("", .silent("clamd closed the connection")),
    ])
  func clamd(_ example: (text: String, answer: CheckAnswer)) {
    #expect(ClamdChecker.answer(Array(example.text.utf8)) == example.answer)
  }

  private func verdict(_ text: String, size: Int = 5, portion: Int = 7) -> CheckAnswer {
    var answer = ICAPAnswer()
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: portion) {
      answer.take(bytes[start..<min(start + portion, bytes.count)])
    }
    return answer.verdict(onFileOf: size)
  }

  private let echo = """
    ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n
    """

  @Test("an ICAP service lets pass what it needs not change, or sends back whole", arguments: [1, 7, 1000])
  func passes(portion: Int) {
    #expect(verdict("ICAP/1.0 204 No Content\r\n\r\n", portion: portion) == .clean)
    #expect(verdict(echo + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", portion: portion) == .clean)
  }

  @Test("an ICAP service that names what it found, or sends another answer, lets nothing pass") func finds() {
    let named =
      "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Threat=Eicar;\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\n"
    #expect(verdict(named) == .found("Type=0; Threat=Eicar;"))
    let page = "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n0\r\n\r\n"
    #expect(verdict(page) == .found("the ICAP service answers HTTP/1.1 403 Forbidden"))
    #expect(verdict(echo + "3\r\nabc\r\n0\r\n\r\n") == .found("the ICAP service sends 3 bytes back, of 5"))
  }

  @Test(
    "an answer that breaks off, or is none, says nothing",
    arguments: [
      "", "ICAP/1.0 204", "HTTP/1.1 200 OK\r\n\r\n", "ICAP/1.0 500 Server error\r\n\r\n",
      "ICAP/1.0 404 No service\r\n\r\n",
      "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n",
      "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\nxyz\r\n",
    ])
  func says(nothing text: String) {
    guard case .silent = verdict(text) else {
      Issue.record("\(verdict(text))")
      return
    }
  }
}
