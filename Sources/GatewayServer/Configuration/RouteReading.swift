import ConfigurationReading
import GatewayCore

/// Reads `routes`.
enum RouteReading {
  /// A route that could be read, with what the checks across routes need of it.
  struct Outcome {
    var entry: Configuration.RouteEntry
    /// Where it stores; `nil` for a route that does not.
    var folder: Setting<String>?
    /// That no store may contain.
    var files: [StorePlaces.Neighbour]
    var path: String { entry.route.path }
  }

  /// All that could be read; the others' faults have been noted.
  static func routes(_ top: inout MappingReader, welcome: Welcome) -> [Outcome] {
    let example = "{/upload-file: {store: {directory: var/uploads}}}"
    guard var section = top.requiredSection("routes", example: example) else { return [] }
    let entries = section.allEntries()
    if entries.isEmpty {
      section.reading.note("`routes` has no route", hint: "write `routes: \(example)`", at: section.place)
    }
    return entries.compactMap { entry in
      do throws(ValueFault) {
        _ = try RoutePath.parse(entry.key)
      } catch {
        section.reading.note("the route `\(entry.key)` \(error.message)", hint: error.hint, at: entry.place)
      }
      return section.section(entry).flatMap { reader in
        var reader = reader
        return route(entry.key, &reader, welcome: welcome)
      }
    }
  }

  private static func route(_ path: String, _ reader: inout MappingReader, welcome: Welcome) -> Outcome? {
    let formats = formats(&reader)
    let buffer = buffer(&reader)
    let limits = LimitsReading.limits(&reader)
    let clientLimits = LimitsReading.clientLimits(&reader)
    let onQuota = reader.optional("on-quota", as: .word) as Setting<QuotaPolicy>?
    let resumeFor = reader.optional("resume-for", as: .duration(in: .seconds(1) ... .seconds(365 * 86_400)))
    let keep = reader.optional("keep", as: .duration(in: .seconds(1) ... .seconds(3650 * 86_400)))
    let remember = reader.optional("remember", as: .duration(in: .seconds(1) ... .seconds(3650 * 86_400)))
    let streams = reader.optional("streams", as: .flag)
    let (access, tokenFile) = welcome.access(&reader)
    if let tokenFile { reader.reading.remember("tokens", Setting(value: tokenFile, place: reader.place)) }
    let check = reader.optional("check", as: .flag)
    let http = HTTPReading.route(&reader, keepsFiles: reader.has("store"))
    let destination = destination(&reader, checksContent: check?.value ?? false)
    if let check, check.value, case .pipe = destination?.value {
      reader.reading.note(
        "`check` is for routes that store",
        hint: "remove it: the backend has the bytes before they could be judged",
        at: check.place)
    }
    if let keep, case .pipe = destination?.value {
      reader.reading.note(
        "`keep` is for routes that store", hint: "remove it: of what is passed on nothing is kept", at: keep.place)
    }
    if let dropsParts = http.dropsParts, dropsParts.value, case .pipe = destination?.value {
      reader.reading.note(
        "`drop-parts` is for routes that store", hint: "remove it: a backend's uploads have no parts",
        at: dropsParts.place)
    }
    let onOpen = HookReading.onOpen(&reader)
    let holdUntil = HookReading.holdUntil(&reader, stores: reader.has("store"))
    reader.finish()
    if let streams, !streams.value, limits.payload == 0 {
      reader.reading.note(
        "\(reader.name) takes neither streams nor payloads", hint: "write `streams: true`, or raise `limits.payload`",
        at: streams.place)
    }
    guard let destination else { return nil }
    let route = Route(
      path: path, formats: formats, buffer: buffer, limits: limits, resumeFor: resumeFor?.value ?? .seconds(86_400),
      takesStreams: streams?.value ?? true, access: access, countsStored: destination.countsStored,
      clientLimits: clientLimits, onQuota: onQuota?.value ?? .partial,
      dropsParts: http.dropsParts?.value ?? false, keep: keep?.value, remember: remember?.value ?? Route.remember)
    return Outcome(
      entry: Configuration.RouteEntry(
        route: route, destination: destination.value, http: http.settings, onOpen: onOpen, holdUntil: holdUntil),
      folder: destination.folder,
      files: destination.files + (onOpen?.recipient.files ?? []) + (holdUntil?.recipient?.files ?? [])
        + (tokenFile.map { [StorePlaces.Neighbour(name: "a file of tokens", path: $0)] } ?? []))
  }

  private struct DestinationOutcome {
    var value: Configuration.Destination
    var folder: Setting<String>?
    var files: [StorePlaces.Neighbour] = []
    var countsStored = false
  }

  /// Where the route's bytes go: exactly one of the sections that say so.
  private static func destination(_ reader: inout MappingReader, checksContent: Bool) -> DestinationOutcome? {
    let (store, pipe) = (reader.optionalEntry("store"), reader.optionalEntry("pipe"))
    switch (store, pipe) {
    case (nil, nil):
      reader.reading.note(
        "\(reader.name) has neither `store` nor `pipe`",
        hint: "add `store: {directory: var/uploads}`, or `pipe: {to: HOST:PORT}`", at: reader.place)
      return nil
    case (_?, let pipe?):
      reader.reading.note(
        "\(reader.name) has both `store` and `pipe`", hint: "keep one: a route's bytes go to one place", at: pipe.place)
      return nil
    case (let store?, nil):
      guard var section = reader.section(store) else { return nil }
      defer { section.finish() }
      return StoreReading.read(&section, checksContent: checksContent).map { store in
        DestinationOutcome(value: .directory(store.settings), folder: store.folder, countsStored: store.countsStored)
      }
    case (nil, let pipe?):
      guard var section = reader.section(pipe) else { return nil }
      return PipeReading.settings(&section).map { DestinationOutcome(value: .pipe($0), files: $1) }
    }
  }

  private static func formats(_ reader: inout MappingReader) -> [DataFormat] {
    guard let list: Setting<[Setting<DataFormat>]> = reader.optionalList("formats", as: .word) else {
      return DataFormat.allCases
    }
    var formats: [DataFormat] = []
    for format in list.value {
      if formats.contains(format.value) {
        reader.reading.note(
          "`formats` has `\(format.value.rawValue)` twice", hint: "name each format once", at: format.place)
      } else {
        formats.append(format.value)
      }
    }
    if formats.isEmpty {
      reader.reading.note(
        "`formats` is empty: nothing could be uploaded", hint: "write some of `[bytes, text, json]`", at: list.place)
    }
    return formats
  }

  private static func buffer(_ reader: inout MappingReader) -> ClosedRange<Int64> {
    let sizes: ClosedRange<Int64> = 1...(1 << 30)
    var section = reader.section("buffer")
    defer { section.finish() }
    let least = section.optional("min", as: .byteSize(in: sizes))
    let most = section.optional("max", as: .byteSize(in: sizes))
    if let least, let most, least.value > most.value {
      section.reading.note(
        "`min` is above `max`", hint: "write at most \(ByteSize.text(most.value))", at: least.place)
      return most.value...least.value
    }
    // A bound that is given moves the other's default along where they would cross.
    let lower = least?.value ?? min(4 << 10, most?.value ?? .max)
    return lower...(most?.value ?? max(1 << 20, lower))
  }
}
