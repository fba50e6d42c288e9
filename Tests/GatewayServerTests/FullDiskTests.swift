import Foundation
import Glibc
import NIOCore
import Testing
import XStream
import XStreamClient

/// A store without room.
@Suite(.timeLimit(.minutes(1))) struct FullDiskTests {
  @Test(
    "a full disk is status 11 with what is safe, and the upload goes on when there is room",
    .enabled(if: ReadOnlyDisk.canBeMade, "needs the right to mount"))
  func full() async throws {
    let folder = try GatewayFolder()
    try FileManager.default.createDirectory(atPath: folder.uploads, withIntermediateDirectories: false)
    try #require(mount("none", folder.uploads, "tmpfs", 0, "size=4m") == 0)
    defer { umount2(folder.uploads, Int32(MNT_DETACH)) }
    try await withGateway(in: folder) { gateway in
      let bytes = pattern(6 << 20)
      let (client, url) = (try UploadClient.test(), try gateway.url())
      let error = await failure { try await client.upload(.bytes(bytes), to: url, options: .once) }
      #expect(error?.status == .storage && error?.isWorthAnotherTry == true, "\(String(describing: error))")
      let point = try #require(error?.resumePoint)
      try folder.expectSound(unfinished: 1)
      #expect(mount("none", folder.uploads, "tmpfs", UInt(MS_REMOUNT), "size=16m") == 0)
      let outcome = try await client.upload(.bytes(bytes), to: url, options: .quick { $0.resume = point })
      #expect(outcome.key == point.key)
      #expect(try folder.stored(outcome.key.text) == bytes)
      try await gateway.expectAtRest()
    }
  }
}
