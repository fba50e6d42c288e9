import TLSTransport
import Testing

@testable import Fronts

struct BodyExpectationTests {
  @Test("what came before the offer is not expected any more, and the next byte goes behind it")
  func behindWhatCame() {
    var expectation = BodyExpectation(length: 1000)
    expectation.received(300)
    expectation.offered(at: 4096)
    expectation.received(50)
    let told = expectation.tell()
    #expect(told?.count == 650)
    #expect(told?.offset == 4446)
  }

  @Test("it is told once for an offer")
  func once() {
    var expectation = BodyExpectation(length: 10)
    expectation.offered(at: 0)
    let told = [expectation.tell()?.count, expectation.tell()?.count]
    #expect(told == [10, nil])
  }

  @Test("nothing is told before the offer, without a length, or where all has come")
  func nothing() {
    var unoffered = BodyExpectation(length: 10)
    var endless = BodyExpectation(length: nil)
    endless.offered(at: 0)
    var whole = BodyExpectation(length: 5)
    whole.received(5)
    whole.offered(at: 0)
    let told = [unoffered.tell()?.count, endless.tell()?.count, whole.tell()?.count]
    #expect(told == [nil, nil, nil])
  }
}
