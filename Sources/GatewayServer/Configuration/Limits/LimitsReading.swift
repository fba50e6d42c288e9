import ConfigurationReading
import GatewayCore

/// Reads a route's `limits` and `client-limits`.
enum LimitsReading {
  /// The slowest that is of any use: at less, one read would stop a client for longer than it may be willing to wait.
  private static let leastBandwidth: Int64 = 64 << 10

  static func limits(_ reader: inout MappingReader) -> RouteLimits {
    var section = reader.section("limits")
    defer { section.finish() }
    let upload = section.optional("upload", as: .byteSize)
    let held = section.optional("held", as: .byteSize)
    let payload = section.optional("payload", as: .byteSize(in: 0...(1 << 30)))
    let heldBound = held?.value ?? 1 << 40
    if let upload, upload.value > heldBound {
      section.reading.note(
        "`upload` is above `held` (\(ByteSize.text(heldBound))): such an upload could never be taken",
        hint: "write at most \(ByteSize.text(heldBound)), or raise `held`", at: upload.place)
    }
    let uploadBound = upload?.value ?? min(100 << 30, heldBound)
    if let payload, payload.value > uploadBound {
      section.reading.note(
        "`payload` is above `upload` (\(ByteSize.text(uploadBound)))",
        hint: "write at most \(ByteSize.text(uploadBound)), or raise `upload`", at: payload.place)
    }
    return RouteLimits(
      upload: uploadBound, held: heldBound,
      concurrent: section.optional("concurrent", as: .count(in: 1...1_000_000))?.value ?? 256,
      unfinished: section.optional("unfinished", as: .count(in: 1...10_000_000))?.value ?? 10_000,
      payload: payload?.value ?? min(1 << 20, uploadBound), window: window(&section), bandwidth: bandwidth(&section))
  }

  static func clientLimits(_ reader: inout MappingReader) -> ClientLimits {
    var section = reader.section("client-limits")
    defer { section.finish() }
    return ClientLimits(
      held: section.optional("held", as: .byteSize)?.value,
      concurrent: section.optional("concurrent", as: .count(in: 1...1_000_000))?.value,
      unfinished: section.optional("unfinished", as: .count(in: 1...10_000_000))?.value, window: window(&section),
      bandwidth: bandwidth(&section),
      room: section.optional("room", as: .percent(in: 1...100))?.value ?? ClientLimits.room,
      begun: section.optional("begun", as: .orOff(.perSecond)).map(\.value) ?? 1000)
  }

  private static func window(_ section: inout MappingReader) -> WindowLimit? {
    guard let entry = section.optionalEntry("window"), var window = section.section(entry) else { return nil }
    defer { window.finish() }
    let bytes = window.required("bytes", as: .byteSize)
    let every = window.required("every", as: .duration(in: .seconds(1) ... .seconds(365 * 86_400)))
    guard let bytes, let every else { return nil }
    return WindowLimit(bytes: bytes.value, every: every.value)
  }

  private static func bandwidth(_ section: inout MappingReader) -> Int64? {
    section.optional("bandwidth", as: .byteRate(in: leastBandwidth...(1 << 40)))?.value
  }
}
