/// What a gateway wrote, read as a client does.
struct Answers {
  struct Answer {
    var status: Int
    var fields: [String: String]
    var bodySize = 0
  }

  private(set) var final: [Answer] = []

  /// - Parameter methods: of the requests, in order.
  init(_ output: [UInt8], methods: [String]) {
    var rest = output[...]
    while !rest.isEmpty {
      let lines = Self.head(&rest)
      let words = lines[0].split(separator: " ")
      guard lines[0].hasPrefix("HTTP/1.1 "), words.count > 1, let status = Int(words[1]) else {
        preconditionFailure("no status: \(lines[0])")
      }
      var answer = Answer(status: status, fields: [:])
      for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { preconditionFailure("no field: \(line)") }
        answer.fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
      }
      guard status >= 200 else { continue }
      let method = final.count < methods.count ? methods[final.count] : "GET"
      let length = answer.fields["content-length"].flatMap { Int($0) }
      precondition((length == nil) == (status == 204), "a length of \(String(describing: length)) with \(status)")
      if method != "HEAD", let length {
        precondition(rest.count >= length, "\(rest.count) of \(length) bytes of a body")
        rest = rest.dropFirst(length)
        answer.bodySize = length
      }
      final.append(answer)
    }
  }

  private static func head(_ rest: inout ArraySlice<UInt8>) -> [Substring] {
    var end = rest.startIndex
    while end + 4 <= rest.endIndex, !rest[end...].starts(with: "\r\n\r\n".utf8) { end += 1 }
    precondition(end + 4 <= rest.endIndex, "a head without an end: \(String(decoding: rest, as: UTF8.self))")
    let head = String(decoding: rest[..<end], as: UTF8.self)
    rest = rest[(end + 4)...]
    return head.split(separator: "\r\n", omittingEmptySubsequences: false)
  }
}
