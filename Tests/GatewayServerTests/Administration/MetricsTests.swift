import Foundation
import Metrics
import NIOCore
import TestPrerequisites
import Testing
import XStreamClient

@testable import GatewayServer

/// What Prometheus reads of a gateway.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
  @Test("under load, what is counted is what clients sent, to the byte")
  func addUp() async throws {
    try await withGateway(.administered) { gateway in
      let sizes = (0..<40).map { $0 * 12_345 + 1 }
      let url = try gateway.url()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for size in sizes {
          group.addTask {
            _ = try await UploadClient.test().upload(.bytes(pattern(size)), to: url, options: .once)
          }
        }
        // Scrapes in the middle never tell of more than there is.
        for _ in 0..<5 {
          let read = try await gateway.metrics()
          #expect(
            try #require(read["sluice_received_bytes_total{route=\"/upload-file\"}"]) <= Double(sizes.reduce(0, +)))
        }
        try await group.waitForAll()
      }
      #expect(await eventually { gateway.connections == 0 && gateway.attached == 0 })
      let read = try await gateway.metrics()
      let (route, total) = ("route=\"/upload-file\"", Double(sizes.reduce(0, +)))
      #expect(read["sluice_received_bytes_total{\(route)}"] == total)
      #expect(read["sluice_uploads_ended_total{\(route),status=\"complete\",reason=\"\"}"] == 40)
      #expect(read["sluice_uploads_offered_total{\(route)}"] == 40)
      #expect(read["sluice_uploads_resumed_total{\(route)}"] == 0)
      #expect(read["sluice_uploads_open{\(route)}"] == 0)
      #expect(read["sluice_upload_size_bytes_sum{\(route)}"] == total)
      #expect(read["sluice_upload_duration_seconds_count{\(route)}"] == 40)
      #expect(read["sluice_connections_accepted_total"] == 40 && read["sluice_connections_open"] == 0)
      let handshakes = read.values.filter { $0.key.hasPrefix("sluice_tls_handshakes_total") }.values.reduce(0, +)
      #expect(handshakes == 40)
      #expect(read["sluice_memory_bytes"] == 0)
      #expect(try #require(read["sluice_store_free_bytes{\(route)}"]) > 0)
      #expect(try #require(read["sluice_ledger_commit_duration_seconds_count"]) > 0)
      #expect(try #require(read["sluice_store_sync_files_sum{\(route)}"]) > 0)
      // The ledger is looked at anew after a while.
      var used: Double?
      for _ in 0..<50 where used != total {
        used = try await gateway.metrics()["sluice_quota_used_bytes{\(route)}"]
        try await Task.sleep(for: .milliseconds(100))
      }
      #expect(used == total)
    }
  }

  @Test("what is left, resumed, refused and fails is counted with its reason")
  func reasons() async throws {
    var setup = GatewaySetup.administered
    setup.routes = GatewaySetup.plainRoute("limits: {upload: 1 MiB}")
    try await withGateway(setup) { gateway in
      let first = try await RawClient.connect(gateway.port)
      try await first.open(total: "20", ack: 1)
      let key = try #require(await first.packet()?["x-stream-key"])
      try await first.send("0123456789")
      #expect(await first.packet()?["x-stream-offset"] == "10")
      #expect(try await gateway.metrics()["sluice_uploads_open{route=\"/upload-file\"}"] == 1)
      try await first.drop()
      #expect(await eventually { gateway.attached == 0 })
      let second = try await RawClient.connect(gateway.port)
      try await second.open(total: "20", key: key)
      _ = await second.packet()
      try await second.send("0123456789")
      #expect(await second.answer()?.headers["status"] == "0")
      try await second.drop()
      _ = await failure {
        try await UploadClient.test().upload(.bytes(pattern(2 << 20)), to: gateway.url(), options: .once)
      }
      _ = await failure {
        try await UploadClient.test().upload(.bytes(pattern(9)), to: gateway.url("/none"), options: .once)
      }
      let plain = try await RawClient.connect(gateway.port, usesTLS: false)
      try await plain.send("GET / HTTP/1.0\r\n\r\n")
      _ = await plain.end()
      let read = try await gateway.metrics()
      let route = "route=\"/upload-file\""
      #expect(read["sluice_uploads_ended_total{\(route),status=\"left\",reason=\"client_gone\"}"] == 1)
      #expect(read["sluice_uploads_resumed_total{\(route)}"] == 1)
      #expect(read["sluice_received_bytes_total{\(route)}"] == 20)
      #expect(read["sluice_requests_refused_total{\(route),reason=\"too_large\"}"] == 1)
      #expect(read["sluice_requests_refused_total{route=\"\",reason=\"no_route\"}"] == 1)
      #expect(read["sluice_tls_handshake_failures_total{reason=\"protocol\"}"] == 1)
    }
  }

  @Test("docs/metrics.md has a row for each metric, and each is there")
  func documented() async throws {
    var setup = GatewaySetup.administered
    setup.routes = GatewaySetup.plainRoute() + "  /ingest: {pipe: {to: 127.0.0.1:9}}\n"
    try await withGateway(setup) { gateway in
      let shown = try await gateway.metrics().families
      let page = try String(contentsOf: RepositoryFile.url("docs/metrics.md"), encoding: .utf8)
      let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `sluice_") || $0.hasPrefix("| `process_") }
      let documented = Dictionary(
        rows.map { row in
          let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
          return (cells[0].trimmingCharacters(in: ["`"]), cells[1])
        }, uniquingKeysWith: { first, _ in first })
      #expect(shown == documented)
      let known = Dictionary(Families.all.map { ($0.name, $0.kind.rawValue) }, uniquingKeysWith: { first, _ in first })
      #expect(known == documented && Families.all.count == known.count)
    }
  }

  @Test(
    "Prometheus' own tool finds nothing wrong with metrics and rules",
    .enabled(if: try Prerequisite.isMet(Program.isInstalled("promtool"), "promtool")))
  func promtool() async throws {
    var setup = GatewaySetup.administered
    setup.routes = GatewaySetup.plainRoute() + "  /ingest: {pipe: {to: 127.0.0.1:9}}\n"
    try await withGateway(setup) { gateway in
      _ = try await UploadClient.test().upload(.bytes(pattern(100_000)), to: gateway.url(), options: .once)
      let file = try gateway.folder.write("metrics", try await gateway.metrics().text)
      let metrics = try await Program.run(["promtool", "check", "metrics"], input: file, in: gateway.folder)
      #expect(metrics.status == 0 && metrics.output + metrics.errors == "", "\(metrics.output) \(metrics.errors)")
      let path = RepositoryFile.url("deploy/prometheus/sluice.rules.yaml").path
      let rules = try await Program.run(["promtool", "check", "rules", path], in: gateway.folder)
      #expect(rules.status == 0, "\(rules.output) \(rules.errors)")
      let names = Set(Families.all.map(\.name))
      let text = try String(contentsOfFile: path, encoding: .utf8)
      for match in text.matches(of: /sluice_[a-z_]+/) {
        let name = String(match.0)
        #expect(names.contains(name) || names.contains(String(name.dropLast("_bucket".count))), "\(name)")
      }
    }
  }
}
