import Testing

@Suite("Client and server together")
struct WalkTests {
  @Test("keep their word over cuts, resumes, partial offers and takeovers", arguments: [1, 2, 3, 4] as [UInt64])
  func walks(_ seed: UInt64) throws {
    var walk = Walk(seed: seed)
    for _ in 0..<25_000 { try walk.step() }
    #expect(walk.completed > 50)
    #expect(walk.takeovers > 10)
    #expect(walk.cuts > 10)
    #expect(walk.partials > 20)
  }
}
