import Testing

@testable import HTTPUpload

@Suite("MessageChecks")
struct MessageChecksTests {
  private func check(
    _ fields: HTTPFields, target: String = "/files", method: String = "PUT", _ version: MessageChecks.Version = .http11,
    hosts: [String] = [], endsStream: Bool = false
  ) throws(HTTPProblem) -> MessageChecks.Head {
    try MessageChecks(hosts: hosts)
      .check(method: method, target: target, version: version, fields: fields, endsStream: endsStream)
  }

  @Test("a body's end is known by its length, by chunks, or there is no body")
  func framing() throws {
    #expect(try check(["Host": "a", "Content-Length": "5"]).framing == .length(5))
    #expect(try check(["Host": "a", "Transfer-Encoding": "Chunked"]).framing == .open)
    #expect(try check(["Host": "a"]).framing == .none)
    #expect(try check(["Host": "a"], .http2).framing == .open)
    #expect(try check(["Host": "a"], .http2, endsStream: true).framing == .none)
    #expect(try check(["Host": "a", "Content-Length": "5"], .http2).contentLength == 5)
    #expect(try !check(["Host": "a", "Content-Length": "0"]).mayBringBytes)
  }

  @Test(
    "a length is one number below 2^63",
    arguments: ["+5", "-5", "0x5", "5 5", "", "9223372036854775808", "18446744073709551616", "5, 5", "5,6"])
  func badLengths(text: String) {
    #expect(throws: HTTPProblem.badMessage(.contentLength)) { try check(["Host": "a", "Content-Length": text]) }
  }

  @Test("two lengths are refused, equal ones too", arguments: ["5", "6"])
  func twoLengths(other: String) {
    #expect(throws: HTTPProblem.badMessage(.contentLength)) {
      try check(["Host": "a", "Content-Length": "5", "content-length": other])
    }
  }

  @Test(
    "a transfer coding is chunked alone",
    arguments: [
      ("gzip, chunked", .transferCodingUnknown), ("xchunked", .badMessage(.transferCoding)),
      ("identity", .badMessage(.transferCoding)), ("chunked, gzip", .badMessage(.transferCoding)),
      ("chunked, chunked", .badMessage(.transferCoding)), ("", .badMessage(.transferCoding)),
    ] as [(String, HTTPProblem)])
  func codings(text: String, problem: HTTPProblem) {
    #expect(throws: problem) { try check(["Host": "a", "Transfer-Encoding": text]) }
  }

  @Test("a length beside a coding is refused, and a coding outside of HTTP/1.1")
  func mixedFraming() {
    let fields: HTTPFields = ["Host": "a", "Transfer-Encoding": "chunked"]
    #expect(throws: HTTPProblem.badMessage(.codingInOldVersion)) { try check(fields, .http10) }
    #expect(throws: HTTPProblem.badMessage(.codingInOldVersion)) { try check(fields, .http2) }
    var both = fields
    both.append("Content-Length", "5")
    #expect(throws: HTTPProblem.badMessage(.lengthAndCoding)) { try check(both) }
    #expect(throws: HTTPProblem.badMessage(.transferCoding)) {
      try check(["Host": "a", "Transfer-Encoding": "chunked", "transfer-encoding": "chunked"])
    }
  }

  @Test("there is one host, and the target names no other")
  func hosts() throws {
    #expect(throws: HTTPProblem.badMessage(.noHost)) { try check([:]) }
    #expect(throws: HTTPProblem.badMessage(.twoHosts)) { try check(["Host": "a", "host": "a"]) }
    #expect(throws: HTTPProblem.badMessage(.badHost)) { try check(["Host": "a b"]) }
    #expect(throws: HTTPProblem.badMessage(.otherHost)) { try check(["Host": "a"], target: "https://b/files") }
    #expect(try check(["Host": "a:443"], target: "https://A/files").authority?.description == "a")
    #expect(try check([:], .http10).authority == nil)
  }

  @Test("a host that is not ours is misdirected")
  func misdirected() throws {
    #expect(throws: HTTPProblem.hostIsNotOurs) { try check(["Host": "b"], hosts: ["a"]) }
    #expect(try check(["Host": "a:8443"], hosts: ["a"]).authority?.port == 8443)
  }

  @Test("a fragment is refused, and the asterisk but for OPTIONS")
  func targets() throws {
    #expect(throws: HTTPProblem.badTarget(.fragment)) { try check(["Host": "a"], target: "/a#b") }
    #expect(throws: HTTPProblem.badTarget(.form)) { try check(["Host": "a"], target: "*") }
    #expect(try check(["Host": "a"], target: "*", method: "OPTIONS").target == .asterisk)
  }

  @Test("only 100-continue may be expected, and not in HTTP/1.0")
  func expectations() throws {
    #expect(try check(["Host": "a", "Expect": "100-Continue"]).expectsContinue)
    #expect(throws: HTTPProblem.expectationUnknown) { try check(["Host": "a", "Expect": "200-maybe"]) }
    #expect(throws: HTTPProblem.expectationUnknown) { try check(["Host": "a", "Expect": "100-continue, x"]) }
    #expect(try !check(["Expect": "100-continue"], .http10).expectsContinue)
  }

  @Test("content has no coding but identity")
  func contentCodings() throws {
    #expect(throws: HTTPProblem.contentEncoded) { try check(["Host": "a", "Content-Encoding": "gzip"]) }
    #expect(throws: HTTPProblem.contentEncoded) { try check(["Host": "a", "Content-Encoding": "identity, br"]) }
    _ = try check(["Host": "a", "Content-Encoding": "Identity"])
  }

  @Test("a PUT brings no range")
  func ranges() throws {
    let fields: HTTPFields = ["Host": "a", "Content-Range": "bytes 0-4/10"]
    #expect(throws: HTTPProblem.badMessage(.contentRange)) { try check(fields) }
    _ = try check(fields, method: "POST")
  }
}
