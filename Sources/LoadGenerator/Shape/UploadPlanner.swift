import NIOCore
import XStream

/// Chooses what each upload is. Confined to one event loop.
final class UploadPlanner {
  private let scenario: Scenario
  private let content: ContentStock
  private let weights: [Double]

  init(_ scenario: Scenario, _ content: ContentStock) {
    self.scenario = scenario
    self.content = content
    var sum = 0.0
    weights = scenario.uploads.map { kind in
      sum += kind.weight
      return sum
    }
  }

  /// Computes beforehand the digests of uploads whose size is known, so that none delays another upload.
  func warmUp() {
    for kind in scenario.uploads where kind.digest {
      if case .fixed(let size) = kind.size { content.prepareDigests(size, kind.format) }
    }
  }

  func upload(_ number: Int) -> PlannedUpload {
    var random = SeededRandom(seed: scenario.seed, series: UInt64(number))
    let index = kindIndex(&random)
    var kind = scenario.uploads[index]
    let fault = fault(&random)
    let chosen: UploadContent
    if case .folder(let path) = kind.size {
      chosen = content.file(of: path, &random)
    } else {
      chosen = content.made(size(kind.size, &random), kind.format, isDigested: kind.digest, &random)
    }
    var upload = PlannedUpload(
      number: number, target: number % scenario.targets.count, kind: kind, content: chosen, random: random)
    if let fault, Self.isPossible(fault.kind, kind, size: chosen.size) {
      // The fault is about streams that end with the connection, whose end a cut of TCP must not be taken for.
      if fault.kind == .truncate { kind.unknownTotal = true }
      if fault.kind == .halfClose || fault.kind == .takeOver { kind.unknownTotal = false }
      upload.kind = kind
      // Only what has a name by then can be gone on with.
      upload.isNamedFirst = true
      upload.faultPlace = chosen.size > 1 ? Int64.random(in: 1..<chosen.size, using: &upload.random) : 0
    }
    upload.fault = fault
    let isWrong = fault?.kind == .wrongDigest && chosen.size > 0
    if kind.digest || isWrong { upload.digest = content.digest(of: chosen) }
    if isWrong, var bytes = upload.digest?.bytes {
      bytes[Int.random(in: 0..<bytes.count, using: &upload.random)] ^= 1
      upload.digest = StreamDigest(bytes: bytes)
    }
    return upload
  }

  /// Whether an upload has what a fault needs.
  static func isPossible(_ fault: FaultKind, _ kind: UploadKind, size: Int64) -> Bool {
    switch fault {
    case .malformed: true
    // An upload of no bytes has nothing left in any case, and a final with nothing left says status 0.
    case .wrongDigest: size > 0
    case .drip: !kind.payload && size > 0
    // What cannot be gone on with can be neither asked for nor taken over.
    case .truncate, .takeOver: !kind.payload && kind.uploadProtocol.isResumable && size > 1
    case .cut, .vanish, .stall, .halfClose: !kind.payload && size > 1
    }
  }

  private func kindIndex(_ random: inout SeededRandom) -> Int {
    let place = random.unit() * (weights.last ?? 1)
    return weights.firstIndex { place < $0 } ?? 0
  }

  private func fault(_ random: inout SeededRandom) -> FaultShare? {
    var place = random.unit()
    for fault in scenario.faults {
      if place < fault.share { return fault }
      place -= fault.share
    }
    return nil
  }

  private func size(_ size: UploadKind.Size, _ random: inout SeededRandom) -> Int64 {
    switch size {
    case .fixed(let size): size
    case .range(let range): Int64.random(in: range, using: &random)
    case .logNormal(let median, let sigma, let most):
      Int64(min(Double(most), max(1, Double(median) * exponential(sigma * random.normal()))))
    case .folder: 0
    }
  }
}
