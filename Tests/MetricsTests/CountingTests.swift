import Foundation
import Metrics
import Testing

struct CountingTests {
  @Test("what many threads add is all there, in every kind of counter")
  func threads() async {
    let (plain, sharded) = (Counter(), ShardedCounter(shards: 3))
    let histogram = Buckets(.plain([10, 20]))
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          let cell = sharded.cell(of: task)
          for value in 1...1000 {
            plain.add()
            cell.add(value)
            histogram.add(Int64(value % 30))
          }
        }
      }
    }
    #expect(plain.value == 8000)
    #expect(sharded.value == 8 * 500_500)
    #expect(histogram.reading.count == 8000)
  }

  @Test("a value belongs to every bucket whose bound it does not exceed")
  func buckets() {
    let histogram = Buckets(.plain([1, 10, 100]))
    for value: Int64 in [0, 1, 2, 10, 11, 1000] { histogram.add(value) }
    let reading = histogram.reading
    #expect(reading.buckets.map(\.count) == [2, 4, 5] && reading.buckets.map(\.bound) == [1, 10, 100])
    #expect(reading.count == 6 && reading.sum == 1024)
  }

  @Test("durations are shown in seconds")
  func seconds() {
    let histogram = Buckets(.seconds([5, 2500]))
    histogram.add(.milliseconds(5))
    histogram.add(.milliseconds(1500))
    let reading = histogram.reading
    #expect(reading.buckets.map(\.bound) == [0.005, 2.5] && reading.buckets.map(\.count) == [1, 2])
    #expect(reading.sum == 1.505)
  }
}

struct ExpositionTests {
  @Test("a family is its help, its type and its samples, and nothing in a label ends its line")
  func text() {
    var out = Exposition()
    let counter = MetricFamily("x_total", .counter, "What came.")
    out.begin(counter)
    out.sample(counter, ["route": "/a\"b\\c\nd", "status": ""], 3)
    out.single(MetricFamily("y_seconds", .gauge, "How late."), 0.25)
    #expect(
      out.text == """
        # HELP x_total What came.
        # TYPE x_total counter
        x_total{route="/a\\"b\\\\c\\nd",status=""} 3
        # HELP y_seconds How late.
        # TYPE y_seconds gauge
        y_seconds 0.25

        """)
  }

  @Test("a histogram has its buckets, the one without a bound, sum and count")
  func histogram() {
    var out = Exposition()
    let histogram = Buckets(.plain([1, 1 << 20]))
    histogram.add(7)
    out.single(MetricFamily("z_bytes", .histogram, "Sizes."), histogram)
    #expect(
      out.text == """
        # HELP z_bytes Sizes.
        # TYPE z_bytes histogram
        z_bytes_bucket{le="1"} 0
        z_bytes_bucket{le="1048576"} 1
        z_bytes_bucket{le="+Inf"} 1
        z_bytes_sum 7
        z_bytes_count 1

        """)
  }
}
