import Foundation
import GatewayCore
import GatewayServer
import Ledgers
import NIOCore
import NIOPosix
import Testing
import XStream
import XStreamClient

/// What each client of a route may take, with real clients.
@Suite(.timeLimit(.minutes(1))) struct ClientLimitTests {
  private static func route(_ more: String) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens}, " + more)
    return setup
  }

  private func alice() throws -> UploadClient { try .test(token: Token.alice.secret) }
  private func bob() throws -> UploadClient { try .test(token: Token.bob.secret) }

  @Test(
    "two uploads of one client at once take together as long as one of the same size; another client's do not count")
  func sharesBandwidth() async throws {
    // 4 MiB at 4 MiB/s, of which the first quarter of a second is free.
    try await withGateway(Self.route("client-limits: {bandwidth: 4 MiB/s}")) { gateway in
      let url = try gateway.url()
      let (alice, bob) = (try alice(), try bob())
      let clock = ContinuousClock()
      let alone = try await clock.measure {
        _ = try await alice.upload(.bytes(pattern(4 << 20)), to: url, options: .quick())
      }
      // All of what is owed is paid, and what may be saved up is.
      try await clock.sleep(for: .milliseconds(600))
      let together = try await clock.measure {
        async let first = alice.upload(.bytes(pattern(2 << 20)), to: url, options: .quick())
        async let second = alice.upload(.bytes(pattern(2 << 20)), to: url, options: .quick())
        async let other = bob.upload(.bytes(pattern(1 << 20)), to: url, options: .quick())
        _ = try await (first, second, other)
      }
      // Without a share the two would owe half as much each. How much later it all may be is the machine's affair.
      #expect(alone >= .milliseconds(600), "\(alone)")
      #expect(together >= .milliseconds(450), "\(together)")
      try await gateway.expectAtRest(client: alice)
    }
  }

  @Test("a client has its own part of the route, offered and then refused, and another has its own")
  func sharesHeld() async throws {
    try await withGateway(Self.route("client-limits: {held: 1 MiB}")) { gateway in
      let url = try gateway.url()
      let partial = await failure {
        try await alice().upload(.bytes(pattern(3 << 20)), to: url, options: .once)
      }
      #expect(partial?.status == .partial || partial?.status == .quota, "\(String(describing: partial))")
      #expect(partial?.resumePoint?.safe == 1 << 20)
      let refused = await failure { try await alice().upload(.bytes(pattern(1)), to: url, options: .once) }
      #expect(refused?.status == .quota)
      #expect(refused?.retryAfter == nil)
      _ = try await bob().upload(.bytes(pattern(1 << 20)), to: url, options: .quick())
      let quotas = try LedgerReader(path: gateway.folder.ledger).quotas()
      #expect(quotas.map(\.subject) == ["", "token:alice", "token:bob"])
      #expect(quotas.map(\.reserved) == [1 << 20, 1 << 20, 0])
      #expect(quotas.map(\.used) == [1 << 20, 0, 1 << 20])
      try gateway.folder.expectSound(unfinished: 1)
    }
  }

  @Test("all or nothing is refused where only a part fits, without a trace")
  func refuses() async throws {
    try await withGateway(Self.route("client-limits: {held: 1 MiB}, on-quota: refuse")) { gateway in
      let url = try gateway.url()
      let refused = await failure {
        try await alice().upload(.bytes(pattern((1 << 20) + 1)), to: url, options: .once)
      }
      #expect(refused?.status == .quota && refused?.resumePoint == nil)
      _ = try await alice().upload(.bytes(pattern(1 << 20)), to: url, options: .quick())
      try gateway.folder.expectSound(unfinished: 0)
    }
  }

  @Test("what a window lacks is had when it ends, and the refusal says when that is; past windows leave no rows")
  func windows() async throws {
    try await withGateway(Self.route("resume-for: 1s, client-limits: {window: {bytes: 1 MiB, every: 3s}}")) { gateway in
      let (client, url) = (try alice(), try gateway.url())
      var refused: UploadError?
      for _ in 0..<500 where refused?.status != .quota {
        refused = await failure { try await client.upload(.bytes(pattern(300_000)), to: url, options: .once) }
      }
      #expect(refused?.status == .quota)
      #expect(
        (.seconds(1) ... .seconds(3)).contains(refused?.retryAfter ?? .zero),
        "\(String(describing: refused?.retryAfter))")
      _ = try await client.upload(.bytes(pattern(1 << 20)), to: url, options: .quick())
      let reader = try LedgerReader(path: gateway.folder.ledger)
      #expect(try await eventually { try reader.quotas().count { $0.window != 0 } <= 1 })
      try gateway.folder.expectSound(unfinished: nil)
    }
  }

  @Test("unfinished uploads expire while the gateway is down, and their bytes and quota come back at its start")
  func expiresWhileDown() async throws {
    let folder = try GatewayFolder()
    let setup = Self.route("resume-for: 1s, limits: {held: 2 MiB, upload: 2 MiB}, client-limits: {held: 1 MiB}")
    try await withGateway(setup, in: folder) { gateway in
      let partial = await failure {
        try await alice().upload(.bytes(pattern(2 << 20)), to: gateway.url(), options: .once)
      }
      #expect(partial?.resumePoint?.safe == 1 << 20)
    }
    #expect(folder.names(in: folder.partial).count == 1)
    // One that failed for good is kept for its client as long.
    let ledger = try EmbeddedLedger(path: folder.ledger)
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    let failed = UploadKey.mint()
    let now = WallTime.now()
    let facts = UploadFacts(
      key: failed, route: "/upload-file", owner: "token:bob", subject: "token:bob", total: 5, createdAt: now)
    let reservation = Reservation(
      facts: facts, wanted: 5, takesPart: false, quotas: [QuotaCap(subject: "", window: 0, cap: 2 << 20)],
      unfinishedLimit: 10, holder: "test", expiresAt: now)
    _ = try await ledger.open(reservation, on: loop).get()
    try await ledger.fail(failed, epoch: 1, expiresAt: now.advanced(byMilliseconds: -1), on: loop).get()
    ledger.close()
    try await withGateway(setup, in: folder) { gateway in
      let reader = try LedgerReader(path: folder.ledger)
      #expect(try await eventually { try reader.uploads(state: nil, route: nil).isEmpty })
      #expect(await eventually { folder.names(in: folder.partial).isEmpty })
      #expect(try reader.quotas().allSatisfy { $0.reserved == 0 && $0.used == 0 })
      _ = try await alice().upload(.bytes(pattern(1 << 20)), to: gateway.url(), options: .quick())
      try folder.expectSound(unfinished: 0)
    }
  }
}
