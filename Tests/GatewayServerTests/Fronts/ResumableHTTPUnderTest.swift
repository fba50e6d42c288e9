import Foundation
import NIOCore
import Testing

extension FrontUnderTest {
  /// Resumable uploads over HTTP/1.1, in the newest version of the draft: progress comes as 104.
  static let resumableHTTP = FrontUnderTest(
    testDescription: "resumable uploads over HTTP/1.1", name: "http/1.1",
    open: { request("POST", $0, "Content-Length: \($1)", "Upload-Complete: ?1", type: "application/octet-stream") },
    // The client asks where to go on, and then goes on there: the second half is in `next`.
    resume: { route, key, total in request("HEAD", route + "/" + key, "X-Total: \(total)") },
    status: { route, key, _ in
      "HEAD \(route)/\(key) HTTP/1.1\r\nHost: localhost\r\n\r\n"
    },
    cancel: { route, key in request("DELETE", route + "/" + key) },
    next: { client, total in
      while let answer = await client.answerHead() {
        let offset = answer.fields["upload-offset"].flatMap { Int($0) }
        let location = answer.fields["location"].map { String($0.split(separator: "/").last ?? "") }
        switch answer.status {
        case 104:
          if let location { return .offer(key: location, offset: 0, end: total) }
          if let offset { return .safe(offset) }
        case 201: return .done
        case 204:
          guard let offset else { return .cancelled }
          guard answer.fields["tus-resumable"] == nil else { return .stopped(at: offset, isFinal: false) }
          return await goOn(client, offset, total)
        case 400: return .stopped(at: nil, isFinal: true)
        case 408, 503: return .stopped(at: nil, isFinal: false)
        default: return .refused
        }
      }
      // An upload that a newer connection has is cut without an answer (the draft's "Concurrency").
      return .stopped(at: nil, isFinal: true)
    }, offersParts: false, bytesFollowRefusals: true, tellsWhereStopped: false)

  /// Sends the head of what is missing, as the draft's clients do when they know the offset.
  private static func goOn(_ client: RawClient, _ offset: Int, _ total: Int) async -> Word? {
    guard let path = client.lastPath else { return nil }
    let head = request(
      "PATCH", path, "Content-Length: \(total - offset)", "Upload-Offset: \(offset)", "Upload-Complete: ?1",
      type: "application/partial-upload")
    try? await client.send(head)
    return .offer(key: String(path.split(separator: "/").last ?? ""), offset: offset, end: total)
  }

  private static func request(_ method: String, _ path: String, _ fields: String..., type: String? = nil) -> String {
    let all =
      fields + ["Host: localhost", "Upload-Draft-Interop-Version: 10"] + (type.map { ["Content-Type: \($0)"] } ?? [])
    return "\(method) \(path) HTTP/1.1\r\n" + all.joined(separator: "\r\n") + "\r\n\r\n"
  }
}

extension RawClient {
  /// The next answer's status and fields, their names in lower case, and its body read away; `nil` if the connection ends
  /// before it.
  func answerHead() async -> (status: Int, fields: [String: String])? {
    guard let line = await line(), line.hasPrefix("HTTP/1.1 "), let status = Int(line.dropFirst(9).prefix(3)) else {
      return nil
    }
    var fields: [String: String] = [:]
    while let field = await self.line()?.trimmingCharacters(in: .whitespacesAndNewlines), !field.isEmpty {
      let parts = field.split(separator: ":", maxSplits: 1)
      fields[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespacesAndNewlines) : ""
    }
    if let count = fields["content-length"].flatMap({ Int($0) }), count > 0, lastMethod != "HEAD" {
      await take(count)
    }
    return (status, fields)
  }
}
