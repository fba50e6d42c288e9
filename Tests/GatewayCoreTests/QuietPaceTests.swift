import NIOCore
import Testing

@testable import GatewayCore

@Suite("The pace of checkpoints for a quiet client")
struct QuietPaceTests {
  @Test("slows down for a client that brings next to nothing again and again, and no further than half a minute")
  func drips() {
    var pace = QuietPace()
    var delays: [TimeAmount] = []
    for _ in 0..<10 {
      delays.append(pace.delay(acknowledges: false))
      pace.made(of: 1, isQuiet: true)
    }
    #expect(delays == [1, 1, 1, 2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
    for _ in 0..<1000 { pace.made(of: 1, isQuiet: true) }
    #expect(pace.delay(acknowledges: true) == .seconds(5))
  }

  @Test("is what it was once the client brings something")
  func again() {
    var pace = QuietPace()
    for _ in 0..<10 { pace.made(of: 1, isQuiet: true) }
    pace.made(of: QuietPace.little, isQuiet: true)
    #expect(pace.delay(acknowledges: false) == .seconds(1))
    for _ in 0..<16 {
      #expect(pace.delay(acknowledges: true) == .milliseconds(50))
      pace.made(of: 1, isQuiet: true)
    }
    pace.made(of: 1, isQuiet: true)
    #expect(pace.delay(acknowledges: true) == .milliseconds(100))
    pace.made(of: 1, isQuiet: false)
    #expect(pace.delay(acknowledges: true) == .milliseconds(50))
  }
}
