import LoadGenerator
import Testing

@Suite struct ThresholdTests {
  @Test(
    "a threshold has a measure, a sign and a value in the measure's unit",
    arguments: [
      ("p99<250ms", .latency(.percentile(99), of: .upload), .less, 0.25),
      ("p99.9-connect <= 1.5s", .latency(.percentile(99.9), of: .connect), .lessOrEqual, 1.5),
      ("max-final<900us", .latency(.max, of: .final), .less, 0.0009),
      ("mean-offer < 2m", .latency(.mean, of: .offer), .less, 120),
      ("errors=0", .count(.errors), .equal, 0),
      ("status-7 > 0", .status(7), .greater, 0),
      ("error-rate<0.1%", .errorRate, .less, 0.1),
      ("throughput>=1GiB/s", .throughput, .greaterOrEqual, 1_073_741_824),
      ("throughput > 1.5 MB/s", .throughput, .greater, 1_500_000),
      ("rate>200/s", .rate, .greater, 200),
      ("load<90%", .load, .less, 90),
    ] as [(String, Threshold.Measure, Threshold.Comparison, Double)])
  func reads(text: String, measure: Threshold.Measure, comparison: Threshold.Comparison, value: Double) throws {
    let threshold = try Threshold(text)
    #expect(threshold.measure == measure && threshold.comparison == comparison)
    #expect(abs(threshold.value - value) < 1e-12)
  }

  @Test(
    "what is no threshold is refused with words that help",
    arguments: [
      ("p99", "is not a threshold"), ("<5", "is not a threshold"), ("p99<<5ms", "is not a threshold"),
      ("p99<250", "is not a time"), ("p101<1s", "is not measured"), ("error=0", "did you mean `errors`?"),
      ("errors=none", "is not a plain number"), ("throughput>5", "is not a size a second"),
    ])
  func refuses(text: String, words: String) {
    let error = #expect(throws: Threshold.ParseError.self) { try Threshold(text) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test("a sign holds a figure against the value")
  func signs() throws {
    #expect(try Threshold("errors<1").isMet(by: 0) && !Threshold("errors<1").isMet(by: 1))
    #expect(try Threshold("errors<=1").isMet(by: 1) && !Threshold("errors<=1").isMet(by: 2))
    #expect(try Threshold("errors=1").isMet(by: 1) && !Threshold("errors=1").isMet(by: 0))
    #expect(try Threshold("errors>=1").isMet(by: 1) && !Threshold("errors>=1").isMet(by: 0))
    #expect(try Threshold("errors>1").isMet(by: 2) && !Threshold("errors>1").isMet(by: 1))
  }
}
