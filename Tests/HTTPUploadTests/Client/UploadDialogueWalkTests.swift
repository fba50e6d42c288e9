import Testing

@testable import HTTPUpload

/// Whole dialogues with servers of every kind, cut at every place.
@Suite("UploadDialogue, whole")
struct UploadDialogueWalkTests {
  /// A cut: in which request, and after how many bytes of its content. One more than there are is the answer that is lost.
  struct Cut {
    let request: Int
    let bytes: Int64
  }

  private static func start(total: Int64?) throws -> UploadDialogue {
    UploadDialogue(UploadIntent(target: try HTTPSURL("https://a/up"), total: total, label: "b c.txt"))
  }

  /// Plays one dialogue to its end.
  ///
  /// - Returns: how many requests it took, and the longest content.
  private func play(
    _ dialogue: inout UploadDialogue, _ server: inout ModelServer, source: Int64, cut: Cut? = nil
  ) throws -> (requests: Int, longest: Int64) {
    var longest: Int64 = 0
    for number in 0..<60 {
      let request = dialogue.request()
      let isCut = cut?.request == number
      let (answer, sent) = server.take(request, arriving: isCut ? cut?.bytes : nil, source: source)
      longest = max(longest, sent.count)
      guard let answer, !isCut else {
        #expect(dialogue.lost(sent) == nil)
        continue
      }
      switch dialogue.answered(answer, sent) {
      case .next, .restart: continue
      case .done: return (number + 1, longest)
      case .wait(let problem), .fail(let problem):
        Issue.record("\(server.kind): \(problem)")
        return (number + 1, longest)
      }
    }
    Issue.record("\(server.kind): no end")
    return (60, longest)
  }

  private func expectComplete(_ server: ModelServer, _ size: Int64, _ dialogue: UploadDialogue) {
    #expect(server.isComplete && server.offset == size && !server.isSpoiled, "\(server)")
    #expect(dialogue.offset == size && dialogue.total == size)
  }

  @Test("an upload is whole at each kind of server", arguments: ModelServer.all, [0, 10] as [Int64])
  func whole(kind: ModelServer.Kind, size: Int64) throws {
    var (dialogue, server) = (try Self.start(total: size), ModelServer(kind))
    _ = try play(&dialogue, &server, source: size)
    expectComplete(server, size, dialogue)
    if case .plain = kind { #expect(!dialogue.isResumable) } else { #expect(dialogue.isResumable) }
  }

  @Test("what is cut anywhere is whole in the end, once", arguments: ModelServer.all)
  func cutAnywhere(kind: ModelServer.Kind) throws {
    let size: Int64 = 6
    var clean = try Self.start(total: size)
    var first = ModelServer(kind)
    let count = try play(&clean, &first, source: size).requests
    for request in 0..<count {
      for bytes in 0...size {
        var (dialogue, server) = (try Self.start(total: size), ModelServer(kind))
        // A POST that was cut off may have been all: that is the next test.
        if case .plain("POST") = kind, request == count - 1 { continue }
        _ = try play(&dialogue, &server, source: size, cut: Cut(request: request, bytes: bytes))
        expectComplete(server, size, dialogue)
      }
    }
  }

  @Test("a source of unknown length ends where it ends, wherever the line is cut", arguments: ModelServer.all)
  func unknownLength(kind: ModelServer.Kind) throws {
    if case .plain = kind { return }
    for request in 0..<7 {
      for bytes in 0...6 as ClosedRange<Int64> {
        var (dialogue, server) = (try Self.start(total: nil), ModelServer(kind))
        _ = try play(&dialogue, &server, source: 6, cut: Cut(request: request, bytes: bytes))
        expectComplete(server, 6, dialogue)
      }
    }
  }

  @Test("no request brings more than the server takes at a time")
  func maxAppend() throws {
    var (dialogue, server) = (
      try Self.start(total: 25), ModelServer(.draft(10, isAnnounced: true), maxAppend: 10)
    )
    let played = try play(&dialogue, &server, source: 25)
    #expect(played.longest == 10)
    expectComplete(server, 25, dialogue)
  }

  @Test("a later run goes on at the place, and begins anew where the server has forgotten it")
  func goesOn() throws {
    for kind in ModelServer.all where !"\(kind)".contains("plain") {
      var (dialogue, server) = (try Self.start(total: 9), ModelServer(kind))
      // The first append is cut after five bytes.
      while dialogue.place == nil { _ = dialogue.answered(server.take(dialogue.request(), source: 9).0!) }
      _ = server.take(dialogue.request(), arriving: 5, source: 9)
      let (place, dialect) = (try #require(dialogue.place), try #require(dialogue.dialect))
      #expect(ClientDialect(dialect.description) == dialect)
      let intent = UploadIntent(target: try HTTPSURL("https://a/up"), total: 9)
      var later = UploadDialogue(intent, goingOnAt: place, dialect)
      _ = try play(&later, &server, source: 9)
      expectComplete(server, 9, later)
      #expect(server.creations == 1)
      server.forget()
      var last = UploadDialogue(intent, goingOnAt: place, dialect)
      _ = try play(&last, &server, source: 9)
      expectComplete(server, 9, last)
      #expect(server.creations == 2)
    }
  }
}
